// SPDX-License-Identifier: Apache-2.0
// Routes: from a method and a path to whatever serves them.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

// A pattern such as "/api/v3/predictions/{id}/result" or "/api/v3/{model...}". {id} stands for one
// segment of the path, {model...}, only at the end, for all that is left; neither for nothing.
class Pattern {
 public:
  // Throws std::logic_error for a pattern that is not well formed.
  explicit Pattern(std::string text);

  const std::string& text() const { return text_; }

  // Whether the path fits; what was captured is added only then.
  bool match(std::string_view path, std::map<std::string, std::string>& captured) const;

  // Whether the same paths fit both, so that one of them could never be found.
  bool is_same_shape(const Pattern& other) const;

  // Whether this one is looked at first: from the left, a literal segment goes before a capture,
  // and that before the rest.
  bool goes_before(const Pattern& other) const;

 private:
  enum Kind { literal, capture, rest };
  struct Segment {
    Kind kind;
    std::string text;  // of a literal; else its name
  };
  std::string text_;
  std::vector<Segment> segments_;
};

// The routes of a service, all added before the first is looked up. The pattern that goes before
// all others that fit decides alone: if it lacks the method, that is a 405, whatever fits behind
// it.
template <typename T>
class Router {
 public:
  struct Found {
    const T* target = nullptr;  // nullptr: 405 where `allow` says which methods there are, else 404
    std::map<std::string, std::string> captured;
    std::string pattern;  // of the route; a label for metrics
    std::string allow;    // the value of the Allow field: "GET, HEAD"
  };

  // Throws std::logic_error where the route is there already. HEAD is served by the route of GET.
  void add(const std::string& method, const std::string& pattern, T target) {
    Pattern parsed(pattern);
    auto route = std::ranges::find_if(
        routes_, [&](const Route& other) { return other.pattern.is_same_shape(parsed); });
    if (route == routes_.end()) {
      route = std::ranges::find_if(
          routes_, [&](const Route& other) { return parsed.goes_before(other.pattern); });
      route = routes_.insert(route, Route{std::move(parsed), {}});
    } else if (route->pattern.text() != pattern) {
      throw std::logic_error(pattern + " is " + route->pattern.text() + " by another name");
    }
    if (!route->targets.emplace(method, std::move(target)).second) {
      throw std::logic_error(method + " " + pattern + " is there twice");
    }
  }

  Found find(std::string_view method, std::string_view path) const {
    Found found;
    for (const auto& route : routes_) {
      if (!route.pattern.match(path, found.captured)) continue;
      found.pattern = route.pattern.text();
      found.allow = allow_of(route);
      auto target = route.targets.find(method);
      if (target == route.targets.end() && method == "HEAD") target = route.targets.find("GET");
      if (target != route.targets.end()) found.target = &target->second;
      break;
    }
    return found;
  }

 private:
  struct Route {
    Pattern pattern;
    std::map<std::string, T, std::less<>> targets;  // by method
  };

  static std::string allow_of(const Route& route) {
    std::string methods;
    for (const auto& [method, target] : route.targets) {
      methods += (methods.empty() ? "" : ", ") + method;
      if (method == "GET" && !route.targets.contains("HEAD")) methods += ", HEAD";
    }
    return methods;
  }

  std::vector<Route> routes_;
};

}  // namespace http
