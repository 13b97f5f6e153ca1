// SPDX-License-Identifier: Apache-2.0
// Instructions: Lib/pickletools.py of CPython, protocols 2 to 5 as far as weights need them.
#include "weights/pickle.h"

#include <algorithm>
#include <unordered_map>

#include "weights/byte_reader.h"
#include "weights/pickle_names.h"

namespace weights {
namespace {

using base::text;
using Kind = PickleKind;

constexpr size_t kMaxBytes = 64u << 20;
constexpr size_t kMaxSteps = 50'000'000;
constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxStack = 1'000'000;
constexpr size_t kMaxMemo = 1'000'000;
constexpr size_t kMaxMarks = 10'000;  // depth of unfinished tuples, lists and dicts
constexpr size_t kMaxArguments = 16;
constexpr int kMaxProtocol = 5;

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& what) : in_(bytes, what) {}

  Pickle run() {
    for (size_t steps = 0; steps < kMaxSteps; ++steps) {
      const auto code = in_.number<uint8_t>();
      if (code == '.') {
        result_.root = pop();
        result_.bytes = in_.position();
        return std::move(result_);
      }
      if (!push_value(code) && !build(code) && !rearrange(code)) {
        in_.refuse(text("its pickle has an instruction that weights do not need: ",
                        static_cast<int>(code),
                        " at ",
                        in_.position() - 1));
      }
    }
    in_.refuse(text("its pickle takes more than ", kMaxSteps, " steps"));
  }

 private:
  // ── the stack, the marks on it and the nodes ──

  uint32_t add(PickleNode node) {
    if (result_.nodes.size() >= kMaxNodes) {
      in_.refuse(text("its pickle has more than ", kMaxNodes, " values"));
    }
    result_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(result_.nodes.size() - 1);
  }

  void push(uint32_t index) {
    if (stack_.size() >= kMaxStack) in_.refuse("its pickle's stack is too deep");
    stack_.push_back(index);
  }

  void push_node(PickleNode node) { push(add(std::move(node))); }

  void push_integer(int64_t value, Kind kind = Kind::integer) {
    push_node({.kind = kind, .integer = value});
  }

  void push_text(uint64_t length) { push_node({.kind = Kind::text, .text = in_.text(length)}); }

  uint32_t pop() {
    // What lies under a mark belongs to an unfinished collection.
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      in_.refuse("its pickle takes from an empty stack");
    }
    const auto index = stack_.back();
    stack_.pop_back();
    return index;
  }

  PickleNode& top(Kind kind, std::string_view name) {
    const auto index = pop();
    stack_.push_back(index);
    auto& node = result_.nodes[index];
    if (node.kind != kind)
      in_.refuse(text("its pickle puts items into something that is no ", name));
    return node;
  }

  std::vector<uint32_t> pop_to_mark() {
    if (marks_.empty()) in_.refuse("its pickle ends a collection that it did not begin");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<uint32_t> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::vector<uint32_t> pop_count(size_t count) {
    std::vector<uint32_t> items(count);
    for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
    return items;
  }

  // ── instructions; each returns whether the code was one of its own ──

  bool push_value(uint8_t code) {
    switch (code) {
      case 'N':
        push_node({});
        return true;
      case 0x88:
      case 0x89:
        push_integer(code == 0x88, Kind::boolean);
        return true;
      case 'J':
        push_integer(in_.number<int32_t>());
        return true;
      case 'K':
        push_integer(in_.number<uint8_t>());
        return true;
      case 'M':
        push_integer(in_.number<uint16_t>());
        return true;
      case 0x8a:  // LONG1
        push_long(in_.number<uint8_t>());
        return true;
      case 'G':
        in_.take(8);  // no record needs the value of a real number
        push_node({.kind = Kind::real});
        return true;
      case 'X':  // BINUNICODE
      case 'B':  // BINBYTES
        push_text(in_.number<uint32_t>());
        return true;
      case 0x8c:  // SHORT_BINUNICODE
      case 'U':   // SHORT_BINSTRING
      case 'C':   // SHORT_BINBYTES
        push_text(in_.number<uint8_t>());
        return true;
      case 0x8d:  // BINUNICODE8
      case 0x8e:  // BINBYTES8
        push_text(in_.number<uint64_t>());
        return true;
      case 'c':
        push_line_name();
        return true;
      default:
        return false;
    }
  }

  bool build(uint8_t code) {
    switch (code) {
      case ']':
      case ')':
        push_node({.kind = Kind::list});
        return true;
      case '}':
        push_node({.kind = Kind::dict});
        return true;
      case 't':
      case 'l':
        push_node({.kind = Kind::list, .items = pop_to_mark()});
        return true;
      case 'd':
        push_dict(pop_to_mark());
        return true;
      case 0x85:
      case 0x86:
      case 0x87:  // TUPLE1, TUPLE2, TUPLE3
        push_node({.kind = Kind::list, .items = pop_count(code - 0x84)});
        return true;
      case 'a':
        append(Kind::list, pop_count(1));
        return true;
      case 'e':
        append(Kind::list, pop_to_mark());
        return true;
      case 's':
        append(Kind::dict, pop_count(2));
        return true;
      case 'u':
        append(Kind::dict, pop_to_mark());
        return true;
      case 'Q':
        push_node({.kind = Kind::storage, .items = few_items(pop(), "a persistent id")});
        return true;
      case 'R':
        call();
        return true;
      case 'b':  // BUILD: state_dict() leaves its _metadata this way; the tensors do not need it
        pop();
        top(Kind::dict, "dict");
        return true;
      case 0x93: {  // STACK_GLOBAL
        const auto words = pop_count(2);
        push_name(text_of(words[0]), text_of(words[1]));
        return true;
      }
      default:
        return false;
    }
  }

  bool rearrange(uint8_t code) {
    switch (code) {
      case 0x80:
        if (const auto protocol = in_.number<uint8_t>(); protocol > kMaxProtocol) {
          in_.refuse(text("pickle protocol ", int{protocol}, ", at most ", kMaxProtocol));
        }
        return true;
      case 0x95:  // FRAME: the length of what follows, needed by readers of streams only
        in_.take(8);
        return true;
      case '(':
        if (marks_.size() >= kMaxMarks) {
          in_.refuse(text("its pickle nests deeper than ", kMaxMarks));
        }
        marks_.push_back(stack_.size());
        return true;
      case '0':
        pop();
        return true;
      case '1':
        pop_to_mark();
        return true;
      case '2': {
        const auto index = pop();
        push(index);
        push(index);
        return true;
      }
      case 'q':
        remember(in_.number<uint8_t>());
        return true;
      case 'r':
        remember(in_.number<uint32_t>());
        return true;
      case 0x94:  // MEMOIZE
        remember(static_cast<uint32_t>(memo_.size()));
        return true;
      case 'h':
        recall(in_.number<uint8_t>());
        return true;
      case 'j':
        recall(in_.number<uint32_t>());
        return true;
      default:
        return false;
    }
  }

  // ── what the longer ones do ──

  void push_long(uint8_t length) {
    if (length > 8) in_.refuse(text("its pickle has an integer of ", int{length}, " bytes"));
    const auto digits = in_.take(length);
    uint64_t value = 0;
    for (size_t i = digits.size(); i-- > 0;)
      value = value << 8 | std::to_integer<uint64_t>(digits[i]);
    const bool negative = length > 0 && length < 8 && (value >> (8 * length - 1) & 1) != 0;
    if (negative) value |= ~uint64_t{0} << (8 * length);
    push_integer(static_cast<int64_t>(value));
  }

  std::string_view line() {
    const auto rest = in_.text(0);
    size_t length = 0;
    while (in_.number<uint8_t>() != '\n') ++length;
    return {rest.data(), length};
  }

  void push_line_name() {
    const auto module = line();
    push_name(module, line());
  }

  void push_name(std::string_view module, std::string_view name) {
    const auto full = text(module, ".", name);
    const auto* known = find_known_name(full);
    if (known == nullptr) {
      in_.refuse(text("its pickle wants ", full, ", which weights do not need; refused, not run"));
    }
    push_node({.kind = Kind::name, .text = known->name});
  }

  void push_dict(const std::vector<uint32_t>& items) {
    push_node({.kind = Kind::dict});
    append(Kind::dict, items);
  }

  void append(Kind kind, const std::vector<uint32_t>& items) {
    auto& collection = top(kind, kind == Kind::dict ? "dict" : "list");
    if (kind == Kind::dict && items.size() % 2 != 0)
      in_.refuse("its pickle has a key without value");
    collection.items.insert(collection.items.end(), items.begin(), items.end());
  }

  const std::vector<uint32_t>& items_of(uint32_t index, std::string_view what) {
    const auto& node = result_.nodes[index];
    if (node.kind != Kind::list) in_.refuse(text("its pickle has ", what, " that is no tuple"));
    return node.items;
  }

  // A copy. One tuple can be copied many times over, so it must be short.
  std::vector<uint32_t> few_items(uint32_t index, std::string_view what) {
    const auto& items = items_of(index, what);
    if (items.size() > kMaxArguments) {
      in_.refuse(text("its pickle has ", what, " of ", items.size(), ", at most ", kMaxArguments));
    }
    return items;
  }

  std::string_view text_of(uint32_t index) {
    const auto& node = result_.nodes[index];
    if (node.kind != Kind::text)
      in_.refuse("its pickle names something with a value that is no text");
    return node.text;
  }

  void call() {
    const auto arguments = few_items(pop(), "arguments");
    const auto& callee = result_.nodes[pop()];
    const auto* known = callee.kind == Kind::name ? find_known_name(callee.text) : nullptr;
    if (known == nullptr || known->call == Call::value) {
      in_.refuse("its pickle calls something that cannot be called");
    }
    switch (known->call) {
      case Call::ordered_dict:
        push_pairs(arguments);
        break;
      case Call::rebuild_tensor:
        push_node({.kind = Kind::tensor, .items = arguments});
        break;
      default:
        if (arguments.empty()) in_.refuse(text("its pickle calls ", known->name, " with nothing"));
        push(arguments[0]);
    }
  }

  // OrderedDict() or OrderedDict([(key, value), …]).
  void push_pairs(const std::vector<uint32_t>& arguments) {
    std::vector<uint32_t> items;
    if (!arguments.empty()) {
      for (const auto pair : items_of(arguments[0], "pairs of an OrderedDict")) {
        const auto& both = items_of(pair, "a pair of an OrderedDict");
        if (both.size() != 2) in_.refuse("its pickle has a pair that is none");
        if (++pairs_ > kMaxNodes)
          in_.refuse(text("its pickle has more than ", kMaxNodes, " pairs"));
        items.insert(items.end(), both.begin(), both.end());
      }
    }
    push_node({.kind = Kind::dict, .items = std::move(items)});
  }

  void remember(uint32_t index) {
    if (memo_.size() >= kMaxMemo) in_.refuse(text("its pickle remembers more than ", kMaxMemo));
    const auto node = pop();
    stack_.push_back(node);
    memo_[index] = node;
  }

  void recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) in_.refuse("its pickle recalls what it did not remember");
    push(found->second);
  }

  ByteReader in_;
  Pickle result_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, uint32_t> memo_;
  size_t pairs_ = 0;  // copied out of lists of pairs so far
};

}  // namespace

const PickleNode* Pickle::find(const PickleNode& dict, std::string_view key) const {
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const auto& candidate = at(dict.items[i]);
    if (candidate.kind == PickleKind::text && candidate.text == key) return &at(dict.items[i + 1]);
  }
  return nullptr;
}

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& what) {
  return Machine(bytes.first(std::min(bytes.size(), kMaxBytes)), what).run();
}

}  // namespace weights
