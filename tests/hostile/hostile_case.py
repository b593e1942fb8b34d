"""What a hostile file is, and what must become of it."""
import collections

# `files` by name; the program is given `primary`, "" for the directory of all of them. An outcome:
#   refused  `inspect` and `convert` exit 2, and `words` are in the message
#   finding  `inspect` exits 1 with `words` in a finding, and `convert` refuses it
#   read     `inspect` exits 0: the file is odd, but says nothing that cannot be so. `converts`: so does `convert`
# `others` are outcomes that are as good; which one it is may depend on where the reader looks first.
Outcome = collections.namedtuple("Outcome", "kind words others converts")
Case = collections.namedtuple("Case", "name files outcome primary", defaults=(None,))


def refused(words, *others):
    return Outcome("refused", words, others, False)


def finding(words, *others):
    return Outcome("finding", words, others, False)


def read(words="", *others, converts=True):
    return Outcome("read", words, others, converts)
