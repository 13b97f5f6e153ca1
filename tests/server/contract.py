"""Every answer that a test sees is checked against the server's own description."""
import json
import re

import jsonschema

# Operations that were called by some test: test_zz_description.py wants all of them.
called = set()


class Contract:
    def __init__(self, document):
        self.document = document
        self.paths = []
        for pattern, operations in document["paths"].items():
            # A capture stands for one segment, {model...} for the rest.
            regex = re.sub(r"\\{[^}]*\\.\\.\\.\\}", ".+", re.escape(pattern))
            regex = re.sub(r"\\{[^}]*\\}", "[^/]+", regex)
            self.paths.append((pattern, re.compile(regex + r"\Z"), operations))
        # Literal paths before those with captures.
        self.paths.sort(key=lambda row: row[0].count("{"))

    def operation(self, method, path):
        for pattern, regex, operations in self.paths:
            if regex.match(path) and method.lower() in operations:
                return pattern, operations[method.lower()]
        return None, None

    def check(self, method, path, status, content_type, body):
        pattern, operation = self.operation(method, path.split("?")[0])
        if operation is None:
            assert status in (401, 404, 405, 429), f"{method} {path} is not described: {status}"
            return
        if status < 300:
            called.add((method, pattern))
        answers = operation["responses"]
        answer = answers.get(str(status), answers["default"] if status >= 300 else answers["200"])
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if not body and status in (304, 416):
            return
        if schema is None or not content_type.startswith("application/json"):
            assert schema is None, f"{method} {path}: {content_type} instead of JSON"
            return
        whole = {**schema, "components": self.document["components"]}
        try:
            jsonschema.Draft202012Validator(whole).validate(json.loads(body))
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{method} {path} {status}: {error.message} at "
                                 f"{error.json_path}\n{body[:2000]!r}") from error

    def operations(self):
        return {(method.upper(), pattern) for pattern, _, operations in self.paths
                for method in operations}
