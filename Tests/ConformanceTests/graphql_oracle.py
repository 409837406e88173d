"""graphql-core's opinion of documents that the node has judged and executed: other verdicts, and other answers.

graphql_oracle.py FILE: its first line is an object with `sdl` and `root`, each other one a document with `query`, `variables`,
`operationName`, and the node's `verdict` and `answer`.
"""

import collections
import json
import sys

from graphql import (
    DocumentNode, GraphQLBoolean, GraphQLError, GraphQLIncludeDirective, GraphQLSkipDirective, build_schema, execute, parse,
    specified_rules, validate)
from graphql.type import introspection_types

# Of later editions than October 2021, and of this library alone.
LATER = {
    "DeferStreamDirectiveOnRootField", "DeferStreamDirectiveOnValidOperationsRule", "DeferStreamDirectiveLabel",
    "StreamDirectiveOnListField", "MaxIntrospectionDepthRule"}
RULES = [rule for rule in specified_rules if rule.__name__ not in LATER]


def plain(schema):
    """Leaves out of the library's own types what later editions added, and their descriptions."""
    kwargs = schema.to_kwargs()
    for directive in (GraphQLIncludeDirective, GraphQLSkipDirective):
        directive.description = None
        for argument in directive.args.values():
            argument.description = None
    kwargs["directives"] = (GraphQLIncludeDirective, GraphQLSkipDirective)
    schema = type(schema)(**kwargs)
    types = introspection_types.values() if hasattr(introspection_types, "values") else introspection_types
    for kind in [*types, *(schema.type_map[name] for name in ("Boolean", "Int", "String"))]:
        kind.description = None
        if hasattr(kind, "fields"):
            for gone in {"__Type": ["isOneOf"], "__Directive": ["isDeprecated", "deprecationReason"]}.get(kind.name, []):
                kind.fields.pop(gone, None)
            for name, field in kind.fields.items():
                field.description = None
                if kind.name == "__Schema":
                    field.args.pop("includeDeprecated", None)
                for argument in field.args.values():
                    argument.description = None
                    argument.type = GraphQLBoolean
                    argument.default_value = False
                    if hasattr(argument, "default"):
                        argument.default = type(argument.default)(value=False) if argument.default else argument.default
        if hasattr(kind, "values"):
            for gone in ("FRAGMENT_VARIABLE_DEFINITION", "DIRECTIVE_DEFINITION"):
                kind.values.pop(gone, None)
            for value in kind.values.values():
                value.description = None
    schema.type_map = {name: schema.type_map[name] for name in sorted(schema.type_map)}
    return schema


def opinion(schema, root, case):
    """The verdict, and the answer of what was executed."""
    try:
        document = parse(case["query"])
    except GraphQLError as error:
        return "syntax", str(error)
    problems = validate(schema, document, RULES)
    if problems:
        return "validation", problems[0].message
    result = execute(
        schema, document, root, variable_values=case["variables"], operation_name=case["operationName"])
    if result.data is None:
        return "request", str(result.errors)
    return "answer", {"data": result.data, "paths": sorted(str(e.path) for e in result.errors or [])}


def compare(what, schema, root, case, seen):
    verdict, answer = opinion(schema, root, case)
    seen[verdict] += 1
    if verdict != case["verdict"]:
        return f"{case['verdict']} here, {verdict} there: {answer}, {case['answer']}"
    if verdict != "answer":
        return None
    mine = case["answer"]
    mine = {"data": mine.get("data"), "paths": sorted(str(e["path"]) for e in mine.get("errors", []))}
    # The order counts, too.
    if json.dumps(mine) != json.dumps(answer):
        return f"{json.dumps(mine)}\n here, there\n{json.dumps(answer)}"
    return None


with open(sys.argv[1], encoding="utf-8") as lines:
    first = json.loads(next(lines))
    schema, seen, wrong = plain(build_schema(first["sdl"])), collections.Counter(), 0
    for line in lines:
        case = json.loads(line)
        if case["verdict"] == "bound":
            seen["bound"] += 1
            continue
        difference = compare(line, schema, first["root"], case, seen)
        if difference:
            wrong += 1
            if wrong <= 5:
                print(f"--- {case['query']}\n{json.dumps(case['variables'])}\n{difference}", flush=True)
print(dict(seen))
sys.exit(f"FAILED {wrong} of {sum(seen.values())}" if wrong else None)
