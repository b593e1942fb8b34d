"""Checks the length of files (source 400 lines, header 300) and of functions (60 lines) in the product and its tests."""
import os
import re
import sys

SOURCE = os.environ["HEIRLOOM_SOURCE_DIR"]
LIMITS = {".cpp": 400, ".c": 400, ".hpp": 300, ".h": 300}
FUNCTION_LIMIT = 60
EXEMPT = {"sdk/include/heirloom/abi.h"}
TOPS = ("sdk", "plugins", "engine", "tests", "examples")
# Literals and comments carry no structure; line ends inside them are kept so that lines still count.
NOISE = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*(?:.|\n)*?\*/'
                   r'|^[ \t]*#(?:\\\n|[^\n])*', re.M)
# What opens a scope that may hold functions, rather than being one.
SCOPE = re.compile(r'\b(namespace|class|struct|union|enum|extern)\b[^()]*$')


def functions(text):
    """(first line, number of lines) of each outermost function body."""
    text = NOISE.sub(lambda m: "\n" * m.group().count("\n"), re.sub(r"(?<=\d)'(?=\d)", "", text))
    depth, start, head, line = [], None, "", 1
    for char in text:
        if char == "\n":
            line += 1
        if char == "{":
            is_body = ")" in head and not SCOPE.search(head)
            depth.append("body" if is_body else "scope")
            if is_body and depth.count("body") == 1:
                start = line - head.lstrip().count("\n")
            head = ""
        elif char == "}" and depth:
            if depth.pop() == "body" and depth.count("body") == 0:
                yield start, line - start + 1
            head = ""
        elif char == ";":
            head = ""
        else:
            head += char


def faults_of(path):
    text = open(os.path.join(SOURCE, path), encoding="utf-8").read()
    limit = LIMITS[os.path.splitext(path)[1]]
    lines = text.count("\n")
    if lines > limit:
        yield f"{path}: {lines} lines, at most {limit}"
    for start, length in functions(text):
        if length > FUNCTION_LIMIT:
            yield f"{path}:{start}: a function of {length} lines, at most {FUNCTION_LIMIT}"


def main():
    count, faults = 0, []
    for top in TOPS:
        for folder, _, names in os.walk(os.path.join(SOURCE, top)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), SOURCE)
                if os.path.splitext(name)[1] in LIMITS and path not in EXEMPT:
                    count += 1
                    faults += faults_of(path)
    for fault in faults:
        print(fault)
    print(f"{count} files, {len(faults)} faults")
    return 1 if faults or count == 0 else 0


sys.exit(main())
