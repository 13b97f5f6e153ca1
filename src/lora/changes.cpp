// SPDX-License-Identifier: Apache-2.0
#include "lora/changes.h"

#include <cmath>
#include <numeric>
#include <set>

#include "base/text.h"
#include "lora/numbers.h"

namespace lora {
namespace {

using base::text;

// A tensor as a matrix: its first dimension, and all others as one.
struct Matrix {
  int64_t rows = 0, columns = 0;
  bool operator==(const Matrix&) const = default;
};

Matrix matrix_of(std::span<const int64_t> shape) {
  if (shape.empty()) return {1, 1};
  const auto columns =
      std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>());
  return {shape[0], columns};
}

std::string shape_of(const Matrix& matrix) {
  return text('[', matrix.rows, ", ", matrix.columns, ']');
}

// Makes the changes of one parameter; collects what is wrong instead of stopping at the first.
class Maker {
 public:
  explicit Maker(const Pieces& pieces) : pieces_(pieces), weight_(matrix_of(pieces.target.shape)) {}

  Made make() {
    check_numbers();
    if (has(Role::down) || has(Role::up)) add_low_rank();
    if (has(Role::hada_w1_a) || has(Role::hada_w2_a)) add_loha();
    if (has(Role::lokr_w1) || has(Role::lokr_w1_a) || has(Role::lokr_w2) || has(Role::lokr_w2_a)) {
      add_lokr();
    }
    for (const auto role : {Role::difference, Role::bias_difference, Role::modulation_difference}) {
      if (has(role)) add_difference(role);
    }
    if (has(Role::replacement)) add_replacement();
    for (const auto& [role, named] : pieces_.by_role) {
      if (!used_.contains(role)) made_.unknown.push_back(named.name);
    }
    return std::move(made_);
  }

 private:
  bool has(Role role) const { return pieces_.by_role.contains(role); }

  const TensorView* take(Role role) {
    const auto found = pieces_.by_role.find(role);
    if (found == pieces_.by_role.end()) return nullptr;
    used_.insert(role);
    return &found->second.view;
  }

  template <typename... Parts>
  void complain(std::string_view code, const Parts&... parts) {
    made_.complaints.push_back(text(code, ": ", pieces_.target.module(), ": ", parts...));
  }

  void check_numbers() {
    for (const auto& [role, named] : pieces_.by_role) {
      if (!weights::is_floating(named.view.dtype)) {
        complain("lora_dtype_unsupported",
                 named.name,
                 " is ",
                 weights::name_of(named.view.dtype),
                 ", expected a float type");
      } else if (!is_finite(named.view)) {
        complain("lora_not_finite", named.name, " holds a number that is infinite or none");
      }
    }
  }

  // The tensors of these roles, or nothing and a complaint where not all are there.
  std::optional<std::vector<TensorView>> take_all(std::initializer_list<Role> roles,
                                                  std::string_view what) {
    std::vector<TensorView> views;
    for (const auto role : roles) {
      if (const auto* view = take(role)) views.push_back(*view);
    }
    if (views.size() == roles.size()) return views;
    complain("lora_incomplete_pair", what, " has ", views.size(), " of ", roles.size(), " parts");
    return std::nullopt;
  }

  bool check_product(const TensorView& left, const TensorView& right) {
    const auto inner = matrix_of(left.shape).columns;
    const auto rank = matrix_of(right.shape).rows;
    if (inner == rank && rank > 0) return true;
    complain("lora_rank_invalid",
             "its factors are of rank ",
             inner,
             " (",
             left.shape_text(),
             ") and ",
             rank,
             " (",
             right.shape_text(),
             ')');
    return false;
  }

  bool check_is_weight(const Matrix& found) {
    if (found == weight_) return true;
    complain("lora_shape_mismatch",
             "changes a weight of ",
             shape_of(found),
             ", this network's is ",
             shape_of(weight_));
    return false;
  }

  // alpha / rank; 1 without alpha or where it is 0.
  double factor(int64_t rank) {
    auto alpha = pieces_.alpha.value_or(0);
    if (const auto* view = take(Role::alpha)) {
      if (view->elements() != 1) {
        complain("lora_shape_mismatch", "alpha is ", view->shape_text(), ", expected one number");
        return 1;
      }
      alpha = first_number(*view);
    }
    return alpha == 0 ? 1 : alpha / static_cast<double>(rank);
  }

  std::optional<TensorView> magnitude() {
    const auto* view = take(Role::dora_scale);
    if (view == nullptr) return std::nullopt;
    const auto shape = matrix_of(view->shape);
    const bool is_by_row = shape == Matrix{weight_.rows, 1};
    if (is_by_row || shape == Matrix{1, weight_.columns}) return *view;
    complain("lora_shape_mismatch",
             "dora_scale is ",
             view->shape_text(),
             ", expected [",
             weight_.rows,
             ", 1] or [1, ",
             weight_.columns,
             ']');
    return std::nullopt;
  }

  void add_low_rank() {
    const auto pair = take_all({Role::up, Role::down}, "the low-rank pair");
    if (!pair) return;
    const auto& up = pair->at(0);
    const auto& down = pair->at(1);
    const auto rank = matrix_of(down.shape).rows;
    if (!check_product(up, down)) return;
    if (!check_is_weight({matrix_of(up.shape).rows, matrix_of(down.shape).columns})) return;
    made_.changes.push_back({LowRank{down, up}, factor(rank), magnitude()});
  }

  void add_loha() {
    const auto parts =
        take_all({Role::hada_w1_a, Role::hada_w1_b, Role::hada_w2_a, Role::hada_w2_b}, "the LoHa");
    if (!parts) return;
    for (const size_t i : {size_t{0}, size_t{2}}) {
      const auto& a = parts->at(i);
      const auto& b = parts->at(i + 1);
      if (!check_product(a, b)) return;
      if (!check_is_weight({matrix_of(a.shape).rows, matrix_of(b.shape).columns})) return;
    }
    const auto rank = matrix_of(parts->at(1).shape).rows;
    made_.changes.push_back(
        {LoHa{parts->at(0), parts->at(1), parts->at(2), parts->at(3)}, factor(rank), magnitude()});
  }

  // One factor of a LoKr: a matrix, or two whose product it is.
  std::optional<std::vector<TensorView>> lokr_half(Role whole, Role a, Role b) {
    if (has(whole)) return std::vector{*take(whole)};
    auto pair = take_all({a, b}, "a factor of the LoKr");
    if (pair && !check_product(pair->at(0), pair->at(1))) return std::nullopt;
    return pair;
  }

  static Matrix product_of(const std::vector<TensorView>& half) {
    return {matrix_of(half.front().shape).rows, matrix_of(half.back().shape).columns};
  }

  void add_lokr() {
    const auto w1 = lokr_half(Role::lokr_w1, Role::lokr_w1_a, Role::lokr_w1_b);
    const auto w2 = lokr_half(Role::lokr_w2, Role::lokr_w2_a, Role::lokr_w2_b);
    if (!w1 || !w2) return;
    const auto first = product_of(*w1);
    const auto second = product_of(*w2);
    if (!check_is_weight({first.rows * second.rows, first.columns * second.columns})) return;
    // Alpha counts only where there is a rank. Some trainers write a huge one beside whole factors.
    const auto* ranked = w2->size() == 2 ? &*w2 : w1->size() == 2 ? &*w1 : nullptr;
    const auto alpha = factor(ranked == nullptr ? 1 : matrix_of(ranked->front().shape).columns);
    made_.changes.push_back({LoKr{*w1, *w2}, ranked == nullptr ? 1 : alpha, magnitude()});
  }

  // Models differ in the shape of their first and last layer: what does not fit is left out.
  void add_difference(Role role) {
    const auto* view = take(role);
    if (view->shape == pieces_.target.shape) {
      made_.changes.push_back({Difference{*view}, 1, std::nullopt});
    } else {
      made_.skipped.push_back(pieces_.by_role.at(role).name);
    }
  }

  void add_replacement() {
    const auto* view = take(Role::replacement);
    if (view->shape == pieces_.target.shape) {
      made_.changes.push_back({Replacement{*view}, 1, std::nullopt});
    } else {
      made_.skipped.push_back(pieces_.by_role.at(Role::replacement).name);
    }
  }

  const Pieces& pieces_;
  Matrix weight_;
  std::set<Role> used_;
  Made made_;
};

}  // namespace

Made make_changes(const Pieces& pieces) {
  return Maker(pieces).make();
}

}  // namespace lora
