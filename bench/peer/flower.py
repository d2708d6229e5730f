"""Flower's SecAgg+ client mod and server workflow, in memory: one JSON case on stdin, one JSON result on stdout.

The stages are Flower's own code. This file is only what lies between them: a grid that hands messages over, members that
give a fixed vector instead of training, and clocks around both sides.
"""

import json
import statistics
import sys
import time
from types import SimpleNamespace

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.client.mod.secure_aggregation.secaggplus_mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS, Key, Stage
from flwr.compat.common import recorddict_compat as compat
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD
from flwr.server.workflow.constant import Key as WorkflowKey
from flwr.server.workflow.secure_aggregation.secaggplus_workflow import SecAggPlusWorkflow, WorkflowState
from flwr.supercore.task_identity import TaskIdentity

# What the runtime would set: messages are made in its name.
TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 1


class Grid:
    """Hands each message to its member at once, and keeps the time that members take apart from the workflow's."""

    def __init__(self, members, dropped, vector):
        self.contexts = {
            node: Context(run_id=1, node_id=node, node_config={}, state=RecordDict(), run_config={}) for node in members
        }
        self.dropped = set(dropped)
        self.vector = vector
        self.member_seconds = dict.fromkeys(members, 0.0)
        self.member_bytes = dict.fromkeys(members, 0)
        self.seconds = 0.0

    def train(self, message, _context):
        started = time.perf_counter()
        result = FitRes(Status(Code.OK, ""), ndarrays_to_parameters([self.vector]), 1000, {})
        answer = Message(compat.fitres_to_recorddict(result, keep_input=True), reply_to=message)
        self.training = time.perf_counter() - started
        return answer

    def send_and_receive(self, messages, *, timeout=None):
        entered = time.perf_counter()
        replies = []
        for message in messages:
            node = message.metadata.dst_node_id
            stage = message.content.config_records[RECORD_KEY_CONFIGS][Key.STAGE]
            if node in self.dropped and stage in (Stage.COLLECT_MASKED_VECTORS, Stage.UNMASK):
                continue
            message.content = copy_of(message.content)
            self.training = 0.0
            started = time.perf_counter()
            reply = secaggplus_mod(message, self.contexts[node], self.train)
            if stage != Stage.UNMASK:
                self.member_seconds[node] += time.perf_counter() - started - self.training
            self.member_bytes[node] += sum(map(size, reply.content.config_records[RECORD_KEY_CONFIGS].values()))
            replies.append(reply)
        self.seconds += time.perf_counter() - entered
        return replies


def copy_of(content):
    """The workflow gives one record to all members, and each takes entries out of it: on the wire each has its own."""
    return RecordDict(
        {name: ConfigRecord(dict(record)) if isinstance(record, ConfigRecord) else record for name, record in content.items()}
    )


def size(value):
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, list):
        return sum(map(size, value))
    return 8


class Strategy:
    """Asks every member, and keeps the aggregate."""

    def __init__(self, members):
        self.members = members
        self.aggregate = None

    def configure_fit(self, _round, parameters, _manager):
        return [(SimpleNamespace(node_id=node), FitIns(parameters, {})) for node in self.members]

    def aggregate_fit(self, _round, results, _failures):
        self.aggregate = parameters_to_ndarrays(results[0][1].parameters)[0]
        return None, {}


def run(case):
    vector = np.fromfile(case["vector"], dtype=np.float32)
    members = list(range(2, case["members"] + 2))
    strategy = Strategy(members)
    grid = Grid(members, members[: case["dropped"]], vector)
    state = RecordDict()
    state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({WorkflowKey.CURRENT_ROUND: 1})
    state.array_records[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(
        ndarrays_to_parameters([np.zeros(1, dtype=np.float32)]), True
    )
    context = SimpleNamespace(
        state=state,
        strategy=strategy,
        client_manager=SimpleNamespace(num_available=lambda: len(members)),
        history=None,
    )
    shares = case["neighbours"] + 1
    workflow = SecAggPlusWorkflow(num_shares=shares, reconstruction_threshold=max(2, shares // 2))
    workflow_state = WorkflowState()
    coordinator_seconds = 0.0
    for stage in (
        workflow.setup_stage,
        workflow.share_keys_stage,
        workflow.collect_masked_vectors_stage,
        workflow.unmask_stage,
    ):
        inside = grid.seconds
        started = time.perf_counter()
        if not stage(grid, context, workflow_state):
            raise SystemExit(f"Flower ended the round in {stage.__name__}.")
        elapsed = time.perf_counter() - started - (grid.seconds - inside)
        if stage in (workflow.collect_masked_vectors_stage, workflow.unmask_stage):
            coordinator_seconds += elapsed
    survivors = members[case["dropped"] :]
    return {
        "memberMs": 1000 * statistics.median(grid.member_seconds[node] for node in survivors),
        "coordinatorMs": 1000 * coordinator_seconds,
        "bytesPerMember": statistics.median(grid.member_bytes[node] for node in survivors),
        "largestError": float(np.max(np.abs(strategy.aggregate - vector))),
    }


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
