"""Runs last: the description is complete."""
import contract

# Operations that only a worker or a test of another file's kind calls.
OTHERS = {"/worker/v1/claim", "/worker/v1/tasks/{id}/heartbeat", "/worker/v1/tasks/{id}/finish",
          "/worker/v1/tasks/{id}/files/{name}", "/worker/v1/tasks/{id}/fail",
          "/worker/v1/tasks/{id}/release"}


def test_every_operation_was_called_by_a_test(front, server):
    missing = {operation for operation in front.contract.operations() - contract.called
               if operation[1] not in OTHERS}
    # Each endpoint of the catalog is one; those of the table's tests stand for all.
    missing = {row for row in missing if not row[1].startswith(("/api/v3/wavespeed-ai/",
                                                                "/api/v3/alibaba/"))}
    assert not missing
