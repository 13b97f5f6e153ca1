// SPDX-License-Identifier: Apache-2.0
#include "http/events.h"

#include <gtest/gtest.h>

namespace {

TEST(Events, AreFieldsAndAnEmptyLine) {
  EXPECT_EQ(http::event_text({"status", "{\"a\":1}", "7"}),
            "id: 7\nevent: status\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(http::event_text({"", "x", ""}), "data: x\n\n");
  EXPECT_EQ(http::event_text({"", "", ""}), "data: \n\n");
}

TEST(Events, CarryEveryLineOfTheirData) {
  EXPECT_EQ(http::event_text({"", "a\nb\r\nc\rd\n", ""}),
            "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
}

TEST(Events, CannotBeForgedThroughNameOrId) {
  EXPECT_EQ(http::event_text({"a\ndata: forged", "x", "1\r\n\r\ndata: forged"}),
            "id: 1\nevent: a\ndata: x\n\n");
}

}  // namespace
