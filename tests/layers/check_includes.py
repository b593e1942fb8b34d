"""Checks every #include of the product against tests/layers/layers.txt, and that no files include in a circle."""
import fnmatch
import os
import re
import sys

SOURCE = os.environ["HEIRLOOM_SOURCE_DIR"]
TOPS = ("formats", "sdk", "plugins", "engine")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)


class Rules:
    def __init__(self, path):
        self.modules, self.libraries, self.system, self.generated = {}, [], set(), []
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            kind, rest = line.split(None, 1)
            left, _, right = rest.partition(":")
            if kind == "module":
                self.modules[left.strip()] = right.split()
            elif kind == "library":
                allowed = right.split()
                is_one = allowed[0] == "ONE"
                self.libraries.append((left.split(), allowed[is_one:], is_one))
            elif kind == "system":
                self.system.update(rest.split())
            elif kind == "generated":
                self.generated += rest.split()
            else:
                raise SystemExit(f"{path}:{number}: unknown word \"{kind}\"")

    def allowed_for(self, module):
        for pattern, allowed in self.modules.items():
            if fnmatch.fnmatchcase(module, pattern):
                return allowed
        return None

    def library_of(self, header):
        for entry in self.libraries:
            if any(header.startswith(prefix) for prefix in entry[0]):
                return entry
        return None


def product_files():
    for top in TOPS:
        for folder, _, names in os.walk(os.path.join(SOURCE, top)):
            for name in sorted(names):
                if name.endswith((".h", ".hpp", ".cpp", ".c", ".inc", ".ipp")):
                    yield os.path.relpath(os.path.join(folder, name), SOURCE)


def module_of(path):
    parts = path.split("/")
    if parts[:2] == ["plugins", "common"]:
        return "/".join(parts[:3])
    if parts[0] in ("plugins", "engine"):
        return "/".join(parts[:2]) if len(parts) > 2 else parts[0] + "/" + parts[1].split(".")[0]
    return parts[0]


def resolve(path, name, rules):
    """The module and, where there is one, the file that a quoted include names."""
    if name.startswith("heirloom/schema/"):
        return "formats", None
    if name.startswith("heirloom/"):
        return "sdk", "sdk/include/" + name
    if name.split("/")[0] in TOPS:
        return module_of(name), name
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if os.path.exists(os.path.join(SOURCE, beside)):
        return module_of(beside), beside
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in rules.generated):
        return module_of(path), None
    return None, None


def check_file(path, text, rules, users, edges):
    module = module_of(path)
    allowed = rules.allowed_for(module)
    if allowed is None:
        yield f"{path}: module \"{module}\" is not in layers.txt"
        return
    for quoted, angled in INCLUDE.findall(text):
        if quoted:
            target, file = resolve(path, quoted, rules)
            if target is None:
                yield f"{path}: \"{quoted}\" is neither a header of ours nor beside the file"
            elif target != module and not any(fnmatch.fnmatchcase(target, a) for a in allowed):
                yield f"{path}: \"{module}\" may not include \"{target}\" ({quoted})"
            elif file:
                edges.setdefault(path, set()).add(file)
            continue
        library = rules.library_of(angled)
        if library:
            users.setdefault(id(library), set()).add(path)
            if not any(fnmatch.fnmatchcase(path, pattern) for pattern in library[1]):
                yield f"{path}: <{angled}> may be included only in {' '.join(library[1])}"
        elif "." in angled or "/" in angled:
            if angled not in rules.system:
                yield f"{path}: <{angled}> is not in layers.txt"


def cycles(edges):
    state, stack = {}, []

    def visit(file):
        state[file] = "open"
        stack.append(file)
        for target in sorted(edges.get(file, ())):
            if state.get(target) == "open":
                yield "circle: " + " -> ".join(stack[stack.index(target):] + [target])
            elif target not in state:
                yield from visit(target)
        stack.pop()
        state[file] = "done"
    for file in sorted(edges):
        if file not in state:
            yield from visit(file)


def table_cycles(rules):
    names = [name for name in rules.modules if "*" not in name]
    edges = {name: {other for other in names for a in rules.modules[name] if other != name and fnmatch.fnmatchcase(other, a)}
             for name in names}
    edges["engine/api"] = edges.get("engine/api", set()) - {"engine/cli"}  # its "engine/*" stands for the modules below
    yield from cycles(edges)


def main():
    rules = Rules(os.path.join(SOURCE, "tests/layers/layers.txt"))
    faults, users, edges, count = list(table_cycles(rules)), {}, {}, 0
    for path in product_files():
        count += 1
        text = open(os.path.join(SOURCE, path), encoding="utf-8").read()
        faults += check_file(path, text, rules, users, edges)
    faults += cycles(edges)
    for library in rules.libraries:
        files = users.get(id(library), set())
        if library[2] and len(files) > 1:
            faults.append(f"<{library[0][0]}> may be included in one file, not in {' '.join(sorted(files))}")
    for fault in faults:
        print(fault)
    print(f"{count} files, {sum(map(len, edges.values()))} includes of ours, {len(faults)} faults")
    return 1 if faults or count == 0 else 0


sys.exit(main())
