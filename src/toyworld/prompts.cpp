// SPDX-License-Identifier: Apache-2.0
#include "toyworld/prompts.h"

#include <algorithm>
#include <sstream>

#include "base/text.h"

namespace toyworld {
namespace {

using Words = std::vector<std::string_view>;

// The first of each list is the plainest.
const std::array<Words, 8> kColourWords = {{{"red", "crimson", "scarlet"},
                                            {"green", "emerald"},
                                            {"blue", "azure"},
                                            {"yellow", "golden"},
                                            {"orange", "tangerine"},
                                            {"purple", "violet"},
                                            {"cyan", "turquoise"},
                                            {"pink", "rose"}}};

const std::array<Words, 6> kBackgroundWords = {{{"white", "snowy"},
                                                {"black"},
                                                {"gray", "grey"},
                                                {"navy", "midnight blue", "navy blue"},
                                                {"beige", "sand"},
                                                {"forest green", "dark green"}}};

const std::array<Words, kWorldShapes> kShapeWords = {{{"ball", "circle", "disc"},
                                                      {"square", "box"},
                                                      {"triangle"},
                                                      {"star"},
                                                      {"ring", "donut", "hoop"},
                                                      {"cross", "plus"}}};

// "a ball …" and "a ball …" inside "a video of a ball …": the finite form and the participle.
struct Verbs {
  Words finite, participle;
};

const std::array<Verbs, 10> kVerbs = {{
    {{"moves left", "slides left", "goes to the left"},
     {"moving left", "sliding left", "going to the left"}},
    {{"moves right", "slides right", "goes to the right"},
     {"moving right", "sliding right", "going to the right"}},
    {{"rises", "moves up", "floats upwards"}, {"rising", "moving up", "floating upwards"}},
    {{"falls", "moves down", "sinks"}, {"falling", "moving down", "sinking"}},
    {{"bounces", "hops", "jumps"}, {"bouncing", "hopping", "jumping"}},
    {{"spins", "rotates", "turns around"}, {"spinning", "rotating", "turning around"}},
    {{"grows", "gets bigger", "expands"}, {"growing", "getting bigger", "expanding"}},
    {{"shrinks", "gets smaller"}, {"shrinking", "getting smaller"}},
    {{"orbits", "flies in loops", "goes round and round"},
     {"orbiting", "flying in loops", "going round and round"}},
    {{"stays still", "does not move", "rests"}, {"staying still", "standing still", "resting"}},
}};

const Words kPlaces = {"on", "against", "in front of", "over"};
const Words kBackdrops = {"background", "backdrop"};
const Words kLeads = {"a video of", "an animation of", "there is"};

// Words that no template uses: kept so that a wider world can be taught without new embeddings.
const Words kReserved = {"and",
                         "next",
                         "while",
                         "with",
                         "that",
                         "its",
                         "it",
                         "two",
                         "small",
                         "large",
                         "slowly",
                         "fast",
                         "big",
                         "tiny",
                         "quickly"};

std::string_view any(const Words& words, Random& random) {
  return random.pick(std::span<const std::string_view>(words));
}

std::string with_article(std::string_view phrase, Random& random) {
  if (random.chance(0.1)) return std::string(phrase);
  if (random.chance(0.1)) return base::text("the ", phrase);
  const bool vowel = std::string_view("aeiou").find(phrase.front()) != std::string_view::npos;
  return base::text(vowel ? "an " : "a ", phrase);
}

std::string letters(Random& random, int least, int most) {
  const int count = least + random.below(most - least + 1);
  std::string word;
  for (int i = 0; i < count; ++i) word += static_cast<char>('a' + random.below(26));
  return word;
}

constexpr double kNonsenseChance = 0.06;

std::string object_phrase(const Concept& concept_, Random& random) {
  const auto colour = any(kColourWords[static_cast<size_t>(concept_.colour)], random);
  const auto shape = any(kShapeWords[static_cast<size_t>(concept_.shape)], random);
  const std::string odd = random.chance(kNonsenseChance) ? letters(random, 3, 7) + " " : "";
  return with_article(base::text(odd, colour, " ", shape), random);
}

std::string background_phrase(const Concept& concept_, Random& random) {
  const auto word = any(kBackgroundWords[static_cast<size_t>(concept_.background)], random);
  return with_article(base::text(word, " ", any(kBackdrops, random)), random);
}

}  // namespace

std::string plain_prompt(const Concept& concept_) {
  const auto colour = kColourWords[static_cast<size_t>(concept_.colour)].front();
  return base::text(colour == "orange" ? "an " : "a ",
                    colour,
                    " ",
                    kShapeWords[static_cast<size_t>(concept_.shape)].front(),
                    " ",
                    kVerbs[static_cast<size_t>(concept_.motion)].finite.front(),
                    " on a ",
                    kBackgroundWords[static_cast<size_t>(concept_.background)].front(),
                    " background");
}

std::string random_prompt(const Concept& concept_, Random& random) {
  const auto& verbs = kVerbs[static_cast<size_t>(concept_.motion)];
  const std::string object = object_phrase(concept_, random);
  const std::string background = background_phrase(concept_, random);
  const std::string where = base::text(any(kPlaces, random), " ", background);
  std::string prompt;
  switch (random.below(5)) {
    case 0:
      prompt = base::text(object, " ", any(verbs.finite, random), " ", where);
      break;
    case 1:
      prompt = base::text(object, " ", any(verbs.participle, random), " ", where);
      break;
    case 2:
      prompt = base::text(where, ", ", object, " ", any(verbs.finite, random));
      break;
    case 3:
      prompt = base::text(
          any(kLeads, random), " ", object, " ", any(verbs.participle, random), " ", where);
      break;
    default:
      prompt = base::text(object, " ", any(verbs.finite, random), ", ", background);
  }
  if (random.chance(0.3)) prompt += ".";
  if (random.chance(kNonsenseChance)) prompt = letters(random, 3, 7) + " " + prompt;
  return prompt;
}

std::string random_unconditional(Random& random) {
  if (random.chance(0.6)) return "";
  std::string signs;
  const int count = 1 + random.below(20);
  for (int i = 0; i < count; ++i) {
    if (i > 0) signs += random.chance(0.5) ? " " : ", ";
    // Any sign without a piece of its own becomes the unknown token.
    signs += random.chance(0.7) ? "\u4e0d\u597d" : letters(random, 1, 4);
  }
  return signs;
}

std::vector<std::string> grammar_words() {
  std::vector<std::string> found;
  const auto add = [&](const Words& phrases) {
    for (const auto phrase : phrases) {
      std::istringstream in{std::string(phrase)};
      for (std::string word; in >> word;) {
        if (std::ranges::find(found, word) == found.end()) found.push_back(word);
      }
    }
  };
  add({"a", "an", "the"});
  for (const auto& words : kColourWords) add(words);
  for (const auto& words : kBackgroundWords) add(words);
  for (const auto& words : kShapeWords) add(words);
  for (const auto& verbs : kVerbs) {
    add(verbs.finite);
    add(verbs.participle);
  }
  for (const auto* words : {&kPlaces, &kBackdrops, &kLeads, &kReserved}) add(*words);
  return found;
}

}  // namespace toyworld
