"""Croissant metadata of an exported data set (MLCommons, format 1.0): its files and columns, for other tools."""

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

FORMAT = "http://mlcommons.org/croissant/1.0"

_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
"""The format's own, word for word: tools compare it."""

_FILES, _RECORDS = "parquet-files", "clips"


def croissant(schema: pa.Schema, version: str, licenses: Collection[str], made_by: str) -> Mapping[str, Any]:
    """croissant.json of an export with the columns of `schema`, as a JSON-LD object.

    `licenses` are the addresses of those that its tracks are under; `version` is the data set's, `made_by` the
    program's.
    """
    repository = {
        "@type": "cr:FileObject",
        "@id": "folder",
        "name": "folder",
        "description": "The folder that this file lies in.",
        "contentUrl": ".",
        "encodingFormat": "git+https",
        "sha256": "https://github.com/mlcommons/croissant/issues/80",  # what the format asks folders to say
    }
    files = {
        "@type": "cr:FileSet",
        "@id": _FILES,
        "name": _FILES,
        "description": "One or more files for each split, which their names begin with.",
        "containedIn": {"@id": "folder"},
        "encodingFormat": "application/x-parquet",
        "includes": "data/*.parquet",
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": f"ssmttm-{version}",
        "description": f"Openly licensed music as captioned clips, by {made_by}; ATTRIBUTION.md credits each track.",
        "conformsTo": FORMAT,
        "license": sorted(licenses),
        "version": _numbered(version),
        "distribution": [repository, files],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": _RECORDS,
                "name": _RECORDS,
                "description": "One record for each clip.",
                "field": [_field(column, _RECORDS) for column in schema],
            }
        ],
    }


def _numbered(version: str) -> str:
    """The format wants versions such as 5.0.0; those of data sets end in a number, if they have one."""
    number = version.rpartition("-")[2]
    return f"{number}.0.0" if number.isdigit() else "1.0.0"


def _field(column: pa.Field, records: str) -> dict[str, Any]:
    kind, name = column.type, f"{records}/{column.name}"
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "source": {"fileSet": {"@id": _FILES}, "extract": {"column": column.name}},
    }
    while pa.types.is_list(kind):
        field["repeated"], kind = True, kind.value_type
    if column.name == "audio":
        field["source"]["extract"] = {"column": "audio"}
        field["source"]["transform"] = {"jsonPath": "bytes"}
        return {**field, "dataType": "sc:AudioObject"}
    if pa.types.is_struct(kind):
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{part.name}",
                "name": f"{name}/{part.name}",
                "dataType": _data_type(part.type),
                "source": {
                    "fileSet": {"@id": _FILES},
                    "extract": {"column": column.name},
                    "transform": {"jsonPath": part.name},
                },
            }
            for part in kind
        ]
        return field
    return {**field, "dataType": _data_type(kind)}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    return "sc:Text"
