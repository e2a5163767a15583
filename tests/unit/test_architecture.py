"""docs/architecture.md lists every file of the package with its idea, as its docstring says it.

`python tests/unit/test_architecture.py` writes the list anew.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "ssmttm"
LIST = re.compile(r"(?<=<!-- files -->\n).*?(?=<!-- /files -->)", re.DOTALL)


def idea(path: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text, f"{path.relative_to(ROOT)} has no docstring"
    return text.splitlines()[0]


def table(folder: Path) -> str:
    """One folder as a heading and a table of its files, then its folders."""
    name = folder.relative_to(ROOT).as_posix()
    files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    rows = "".join(f"| `{path.name}` | {idea(path).replace('|', '&#124;')} |\n" for path in files)
    lines = f"| file | its idea |\n| --- | --- |\n{rows}\n" if files else ""
    inner = [path.parent for path in sorted(folder.glob("*/__init__.py"))]
    return f"### `{name}/`\n\n{idea(folder / '__init__.py')}\n\n{lines}" + "".join(map(table, inner))


def test_every_file_stands_there_with_its_idea():
    stated = LIST.search(PAGE.read_text(encoding="utf-8"))
    assert stated, f"{PAGE} has lost the marks of its list"
    assert stated[0].strip() == table(PACKAGE).strip(), f"run python {Path(__file__).relative_to(ROOT)}"


if __name__ == "__main__":
    PAGE.write_text(LIST.sub(lambda _: table(PACKAGE), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
