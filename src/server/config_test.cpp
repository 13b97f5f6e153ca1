// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"

namespace {

namespace fs = std::filesystem;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() : folder_(fs::temp_directory_path() / "zoetrope_config_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~ConfigTest() override { fs::remove_all(folder_); }

  std::string file(const std::string& content) {
    const auto path = folder_ / "zoetrope.toml";
    base::write_file(path, content);
    return path.string();
  }

  server::Config read(const std::vector<std::string>& arguments) {
    const auto environment = [&](const std::string& name) -> const char* {
      const auto found = variables_.find(name);
      return found == variables_.end() ? nullptr : found->second.c_str();
    };
    return server::read_config(arguments, environment).value();
  }

  std::string complaint(const std::vector<std::string>& arguments) {
    try {
      read(arguments);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "accepted";
  }

  fs::path folder_;
  std::map<std::string, std::string> variables_;
};

TEST_F(ConfigTest, FlagsWinOverVariablesOverTheFileOverDefaults) {
  const auto config =
      file("listen = \"file:1\"\ndata = \"/file\"\nlog = \"json\"\nno_auth = true\n");
  variables_ = {{"ZOETROPE_LISTEN", "variable:2"}, {"ZOETROPE_DATA", "/variable"}};
  const auto read = this->read({"--config", config, "--listen", "flag:3"});
  EXPECT_EQ(read.listen, "flag:3");
  EXPECT_EQ(read.data, "/variable");
  EXPECT_EQ(read.log, "json");
  EXPECT_TRUE(read.no_auth);
  EXPECT_EQ(read.retention_days, 7);
}

TEST_F(ConfigTest, TheUsualFileIsReadWhereNoneIsNamed) {
  fs::create_directories(folder_ / "zoetrope");
  base::write_file(folder_ / "zoetrope/zoetrope.toml", "workers = 3\n");
  variables_ = {{"XDG_CONFIG_HOME", folder_.string()}};
  EXPECT_EQ(read({}).workers, 3);
}

TEST_F(ConfigTest, WeightsAreATableOfModels) {
  const auto config = file("[weights]\n\"wan2.2-t2v-a14b\" = \"/models/a14b\"\n");
  EXPECT_EQ(read({"--config", config}).weights.at("wan2.2-t2v-a14b"), "/models/a14b");
}

TEST_F(ConfigTest, ListsOfTheCommandLineReplaceThoseOfTheFile) {
  const auto config = file("allow_address = [\"10.0.0.0/8\", \"192.168.0.0/16\"]\n");
  EXPECT_EQ(read({"--config", config}).allow_address.size(), 2u);
  EXPECT_EQ(read({"--config", config, "--allow-address", "127.0.0.0/8"}).allow_address,
            std::vector<std::string>{"127.0.0.0/8"});
}

TEST_F(ConfigTest, EveryComplaintOfEverySourceComesAtOnceAndNamesIt) {
  const auto config = file("listn = \"x\"\nworkers = \"many\"\n[weights]\n\"wan9\" = \"/x\"\n");
  variables_ = {{"ZOETROPE_LOG", "xml"}};
  const auto said = complaint({"--config", config, "--retention-days", "0"});
  EXPECT_NE(said.find(config + ": listn: no such setting; did you mean listen?"), std::string::npos)
      << said;
  EXPECT_NE(said.find(config + ": workers: \"many\" is not a whole number"), std::string::npos);
  EXPECT_NE(said.find(config + ": weights.wan9: is not one of "), std::string::npos);
  EXPECT_NE(said.find("ZOETROPE_LOG: \"xml\" is not one of plain, json"), std::string::npos);
  EXPECT_NE(said.find("--retention-days: \"0\" is not a whole number"), std::string::npos);
}

TEST_F(ConfigTest, AFileThatIsNoTomlIsRefusedWithThePlace) {
  const auto config = file("listen = \"a\"\ndata = \n");
  EXPECT_NE(complaint({"--config", config}).find(config + ":2:"), std::string::npos);
}

TEST_F(ConfigTest, AFileThatIsNotThereIsRefused) {
  EXPECT_NE(complaint({"--config", "/nowhere.toml"}).find("/nowhere.toml"), std::string::npos);
}

}  // namespace
