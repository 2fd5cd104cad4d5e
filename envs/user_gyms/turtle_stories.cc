#include "envs/user_gyms/turtle_stories.h"

#include <algorithm>
#include <string>
#include <vector>

#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms {
namespace {

constexpr auto kStories = std::to_array<Story>({
    {"A woman orders a bowl of broth at the harbour, tastes it, and leaves the place in tears.",
     {{{"Did she once survive a", {"shipwreck", "famine", "siege", "blizzard"}},
       {"Does she remember her", {"husband", "sister", "captain", "teacher"}},
       {"Was the broth made of", {"turtle", "gull", "seal", "mussels"}}}}},
    {"A man lives on the tenth floor. On most days he leaves the lift at the seventh and walks.",
     {{{"Is the reason that he is", {"short", "afraid", "frugal", "training"}},
       {"Does he ride all the way when there is", {"rain", "company", "music", "luggage"}},
       {"Is he by trade a", {"jockey", "baker", "clerk", "sailor"}}}}},
    {"The lamp goes out. In the morning the keeper reads the newspaper and takes his coat.",
     {{{"Was there news of an accident of a", {"ferry", "balloon", "train", "bridge"}},
       {"Did the lamp go out because of", {"sleep", "oil", "wind", "sabotage"}},
       {"Does he go to the", {"police", "priest", "widow", "hospital"}}}}},
    {"A painter looks at his finished picture, laughs, and paints the whole canvas black.",
     {{{"Did he find that the picture showed a", {"murder", "forgery", "rival", "ghost"}},
       {"Was he told so by a", {"letter", "child", "mirror", "parrot"}},
       {"Is the picture now in a", {"museum", "cellar", "bank", "theatre"}}}}},
    {"Two brothers have not spoken for years. One day one of them sends the other a single glove.",
     {{{"Did they quarrel about a", {"farm", "woman", "debt", "song"}},
       {"Does the glove mean an", {"apology", "duel", "inheritance", "illness"}},
       {"Was the glove lost in the", {"war", "snow", "opera", "fire"}}}}},
});

}  // namespace

std::size_t story_count() { return kStories.size(); }
const Story& story(std::size_t index) { return kStories[index]; }

std::set<std::size_t> possibilities_in(std::string_view text, const Unknown& unknown) {
  const std::vector<std::string> words = words_of(text);
  std::set<std::size_t> found;
  for (std::size_t i = 0; i < kPossibilities; ++i) {
    if (std::find(words.begin(), words.end(), unknown.words[i]) != words.end()) found.insert(i);
  }
  return found;
}

}  // namespace turnhalle::user_gyms
