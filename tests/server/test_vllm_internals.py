"""Every internal of vLLM that `server.vllm_adapter` relies on, so that an upgrade fails here."""

import inspect
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.vllm


@pytest.fixture(autouse=True)
def _environment(vllm_environment: None) -> None:
    """vLLM reads the environment when it is imported."""


def parameters(function: object) -> set[str]:
    return set(inspect.signature(function).parameters)  # type: ignore[arg-type]  # a callable


def test_entry_points_are_those_that_vllm_looks_for() -> None:
    from vllm import plugins

    ours = metadata.distribution("winnow").entry_points
    general = {e.name: e.value for e in ours.select(group=plugins.DEFAULT_PLUGINS_GROUP)}
    assert general == {
        "winnow_amx": "server.vllm_adapter.amx:request_amx",
        "winnow_ending": "server.vllm_adapter.ending:end_quickly",
    }
    assert ours.select(group=plugins.ENDPOINT_PLUGINS_GROUP).names == {"winnow"}


def test_plugin_has_what_an_endpoint_plugin_has() -> None:
    from vllm.plugins.endpoint_plugins.interface import EndpointPlugin

    from server.vllm_adapter.plugin import WinnowPlugin

    for method in ("attach_router", "init_state"):
        wanted = inspect.signature(getattr(EndpointPlugin, method))
        ours = inspect.signature(getattr(WinnowPlugin, method))
        assert list(ours.parameters) == list(wanted.parameters)
    assert WinnowPlugin.name == "winnow"
    assert WinnowPlugin.required_tasks is None


def test_serving_objects_look_at_the_model_where_aliases_are_told_of() -> None:
    from vllm.entrypoints.generate import api_router
    from vllm.entrypoints.launchers.api_server import app_state
    from vllm.entrypoints.serve.engine.serving import BaseServing
    from vllm.entrypoints.serve.tokenize.serving import ServingTokenization

    from server.vllm_adapter.models import SERVING

    assert parameters(BaseServing._check_model) == {"self", "request"}
    assert issubclass(ServingTokenization, BaseServing)
    source = inspect.getsource(app_state) + inspect.getsource(api_router)
    assert [name for name in SERVING if f"state.{name} =" not in source] == []


def test_engine_unfreezes_and_searches_its_objects_before_its_process_ends() -> None:
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory
    from vllm.v1.engine.core import DPEngineCoreProc, EngineCore, EngineCoreProc

    assert "engine_core.shutdown()" in inspect.getsource(EngineCoreProc.run_engine_core)
    assert "super().shutdown()" in inspect.getsource(DPEngineCoreProc.shutdown)
    assert "load_general_plugins()" in inspect.getsource(EngineCore.__init__)
    assert "cleanup_dist_env_and_memory()" in inspect.getsource(EngineCore.shutdown)
    ending = inspect.getsource(cleanup_dist_env_and_memory)
    assert "gc.unfreeze()" in ending
    assert "gc.collect()" in ending


def test_amx_can_be_asked_for() -> None:
    import torch

    assert isinstance(torch.cpu._is_amx_tile_supported(), bool)
    assert callable(torch.cpu._init_amx)


def test_runner_draws_and_discards_where_the_worker_steps_in() -> None:
    from vllm.v1.worker.cpu_model_runner import CPUModelRunner

    from server.vllm_adapter.cpu_worker import RewindingModelRunner

    for method in ("_sample", "_bookkeeping_sync"):
        assert callable(getattr(CPUModelRunner, method))
        assert method in vars(RewindingModelRunner)
    source = inspect.getsource(CPUModelRunner._bookkeeping_sync)
    assert "self.discard_request_mask.np[:num_reqs]" in source
    assert "self.input_batch.generators.get(" in source
    assert "gen.set_offset(" in source, "vLLM mended it: RewindingModelRunner may go"


def test_adapters_are_applied_where_the_worker_steps_in() -> None:
    import torch
    from vllm.lora.model_manager import LoRAModelManager
    from vllm.lora.ops.torch_ops.lora_ops import bgmv_shrink
    from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU
    from vllm.v1.worker.lora_model_runner_mixin import LoRAModelRunnerMixin

    from server.vllm_adapter.cpu_worker import SparingPunicaWrapper

    assert {"y", "x", "w_t_all", "scale"} <= parameters(PunicaWrapperCPU._apply_shrink)
    assert "_apply_shrink" in vars(SparingPunicaWrapper)
    assert "self.punica_wrapper_mapping" in inspect.getsource(LoRAModelManager)
    assert "self.lora_manager" in inspect.getsource(LoRAModelRunnerMixin)
    assert isinstance(PunicaWrapperCPU.token_lora_indices, property)
    adapters, shrunk = torch.eye(2).view(2, 1, 2), torch.zeros(2, 1)
    bgmv_shrink(torch.ones(2, 2), adapters, shrunk, torch.tensor([0, -1]))
    assert shrunk[1] != 0, "vLLM mended it: SparingPunicaWrapper may go"


def test_renderers_and_models_are_there() -> None:
    from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
    from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
    from vllm.entrypoints.openai.models.serving import OpenAIServingModels
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
    from vllm.renderers.online_renderer import OnlineRenderer, ResponsesRenderResult
    from vllm.v1.engine.async_llm import AsyncLLM

    from server.vllm_adapter.rendering import RENDERERS

    assert "request" in parameters(OpenAIServingChat.render_chat_request)
    assert "request" in parameters(OpenAIServingCompletion.render_completion_request)
    assert {"request", "previous_messages", "previous_response_outputs", "tool_server"} <= (
        parameters(OnlineRenderer.render_responses)
    )
    for method in RENDERERS:
        assert list(inspect.signature(getattr(OnlineRenderer, method)).parameters)[1] == "request"
    assert "engine_input" in ResponsesRenderResult.__annotations__
    source = inspect.getsource(OpenAIServingResponses)
    assert "self.online_renderer.render_responses(" in source
    assert "self.tool_server = " in source
    models = inspect.getsource(OpenAIServingModels)
    assert "self.lora_requests: dict[str, LoRARequest]" in models
    assert "self.base_model_paths = " in models
    assert "lora_request" in parameters(AsyncLLM.generate)


def test_launchers_parts_are_there() -> None:
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.entrypoints.launchers.cli_args import FrontendArgs
    from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
    from vllm.logger import configure_logging_from_args

    command = ServeSubcommand()
    for method in (command.validate, command.cmd, command.subparser_init):
        assert callable(method)
    assert callable(AsyncEngineArgs.from_cli_args)
    assert callable(AsyncEngineArgs.create_model_config)
    assert parameters(cli_env_setup) == set()
    assert len(parameters(configure_logging_from_args)) == 1
    assert FrontendArgs().allowed_origins == []


@pytest.mark.parametrize("route", ["chat_completion", "completion", "responses"])
def test_vllms_own_routes_do_what_plain_requests_go_through_here(route: str) -> None:
    from vllm.entrypoints.openai.chat_completion import api_router as chat
    from vllm.entrypoints.openai.completion import api_router as completion
    from vllm.entrypoints.openai.responses import api_router as responses

    function = {
        "chat_completion": chat.create_chat_completion,
        "completion": completion.create_completion,
        "responses": responses.create_responses,
    }[route]
    assert list(inspect.signature(function).parameters) == ["request", "raw_request"]
    source = inspect.getsource(inspect.unwrap(function))
    assert "await handler.create_" in source
    assert "StreamingResponse(" in source
    if route != "responses":
        assert "headers=metrics_header(metrics_header_format)" in source
        assert "with_sse_keep_alive(generator, float(keep_alive_interval))" in source


def test_large_replies_are_taken_over_where_vllm_builds_them() -> None:
    from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
    from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
    from vllm.entrypoints.openai.responses.context import SimpleContext
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
    from vllm.entrypoints.serve.tokenize.serving import ServingTokenization
    from vllm.v1.engine import logprobs
    from vllm.v1.engine.async_llm import AsyncLLM

    finish = list(inspect.signature(OpenAIServingChat.chat_completion_full_generator).parameters)
    assert finish[1:3] == ["request", "result_generator"]
    finish = list(inspect.signature(OpenAIServingResponses.responses_full_generator).parameters)
    assert finish[1:5] == ["request", "sampling_params", "result_generator", "context"]
    respond = OpenAIServingCompletion.request_output_to_completion_response
    assert list(inspect.signature(respond).parameters)[1:3] == ["final_res_batch", "request"]
    source = inspect.getsource(OpenAIServingCompletion._create_completion)
    assert "response = self.request_output_to_completion_response(" in source
    assert hasattr(SimpleContext(), "num_output_tokens")
    assert callable(logprobs.convert_ids_list_to_tokens)
    update = logprobs.LogprobsProcessor._update_prompt_logprobs
    assert parameters(update) == {"self", "prompt_logprobs_tensors"}
    correct = logprobs.LogprobsProcessor._correct_decoded_token
    assert parameters(correct) == {"self", "token_id", "context_token_ids"}
    assert list(inspect.signature(AsyncLLM.generate).parameters)[1:3] == [
        "prompt",
        "sampling_params",
    ]
    for method in (ServingTokenization.create_tokenize, ServingTokenization.create_detokenize):
        assert parameters(method) == {"self", "request", "raw_request"}


def test_requests_learn_of_the_engines_death_and_of_errors_where_we_step_in() -> None:
    from vllm.entrypoints.generate.base.serving import GenerateBaseServing
    from vllm.v1.engine.async_llm import AsyncLLM
    from vllm.v1.engine.output_processor import OutputProcessor

    from server.vllm_adapter.engine_death import EngineDied

    assert "output_processor.propagate_error(e)" in inspect.getsource(AsyncLLM)
    assert parameters(OutputProcessor.propagate_error) == {"self", "e"}
    assert "except EngineDeadError:" in inspect.getsource(AsyncLLM.generate)
    raise_if_error = GenerateBaseServing._raise_if_error
    assert parameters(raise_if_error) == {"self", "finish_reason", "request_id"}
    assert EngineDied().status_code == 503
    assert "send the request again" in str(EngineDied())


def test_responses_make_events_of_generation_errors_in_one_place() -> None:
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses

    convert = "_convert_generation_error_to_streaming_response"
    assert hasattr(OpenAIServingResponses, convert)
    source = inspect.getsource(OpenAIServingResponses.responses_stream_generator)
    assert f"error_json = self.{convert}(e)" in source


def test_streams_tell_of_generation_errors_by_their_status() -> None:
    from vllm.entrypoints.generate.base.serving import GenerateBaseServing
    from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
    from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion

    told = inspect.getsource(GenerateBaseServing._convert_generation_error_to_streaming_response)
    assert "status_code=e.status_code" in told
    for serving in (OpenAIServingChat, OpenAIServingCompletion):
        assert "except GenerationError as e:" in inspect.getsource(serving)


def test_serving_objects_generate_through_their_engine_client() -> None:
    from vllm.entrypoints.generate.base.serving import GenerateBaseServing
    from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
    from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses

    for serving, method in (
        (OpenAIServingChat, "create_chat_completion"),
        (OpenAIServingCompletion, "create_completion"),
        (OpenAIServingResponses, "create_responses"),
    ):
        assert issubclass(serving, GenerateBaseServing)
        assert {"request", "raw_request"} <= parameters(getattr(serving, method))
        assert "self.engine_client.generate(" in inspect.getsource(serving)


def test_state_has_the_serving_objects_under_these_names() -> None:
    from vllm.entrypoints.generate import api_router

    source = inspect.getsource(api_router)
    for name in ("chat", "completion", "responses"):
        assert f"state.openai_serving_{name} = " in source


def test_engine_client_has_what_decoders_need() -> None:
    from vllm.engine.protocol import EngineClient
    from vllm.v1.engine.async_llm import AsyncLLM

    options = parameters(AsyncLLM.generate)
    assert {"prompt", "sampling_params", "request_id", "data_parallel_rank"} <= options
    assert {"n", "request_id"} <= parameters(EngineClient.check_admission)
    assert "request_id" in parameters(EngineClient.abort)
    fields = set(EngineClient.__annotations__)
    assert {"vllm_config", "model_config", "renderer", "input_processor"} <= fields


def test_parallel_config_tells_where_paths_may_run() -> None:
    from vllm.config import ParallelConfig

    config = ParallelConfig()
    assert config.data_parallel_size == 1
    assert isinstance(config.local_engines_only, bool)


def test_replacing_sampling_parameters_validates_them_again() -> None:
    from vllm.exceptions import VLLMValidationError
    from vllm.sampling_params import RequestOutputKind, SamplingParams

    drawn = SamplingParams(temperature=0.7, top_p=0.5, top_k=5, min_p=0.1, max_tokens=9)
    greedy = msgspec.structs.replace(
        drawn,
        temperature=0.0,
        logprobs=2,
        flat_logprobs=True,
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_clone=True,
    )
    assert (greedy.top_p, greedy.top_k, greedy.min_p) == (1.0, 0, 0.0)
    assert greedy.output_kind == RequestOutputKind.FINAL_ONLY
    assert drawn.temperature == 0.7
    with pytest.raises(VLLMValidationError, match="max_tokens"):
        msgspec.structs.replace(drawn, max_tokens=0)


@pytest.mark.parametrize(("ignore_eos", "end"), [(False, 5), (True, None)])
def test_end_tokens_come_from_the_generation_config(ignore_eos: bool, end: int | None) -> None:
    from vllm.sampling_params import SamplingParams

    params = SamplingParams(ignore_eos=ignore_eos, stop_token_ids=[7]).clone()
    params.update_from_generation_config({"eos_token_id": [5, 6]}, 5)
    assert params.eos_token_id == end
    assert set(params.stop_token_ids or ()) == ({7} if ignore_eos else {6, 7})


def test_flat_logprobs_keep_rows_by_position_with_ranks() -> None:
    from vllm.logprobs import FlatLogprobs

    flat = FlatLogprobs()
    flat.append_fast([4, 9], [-0.1, -2.0], iter([1, 2]), ["a", "b"])
    flat.append_fast([8, 4, 8], [-0.9, -0.6, -0.9], iter([2, 1, 2]), ["c", "a", "c"])
    assert (flat.start_indices, flat.end_indices) == ([0, 2], [2, 5])
    assert (flat.token_ids, flat.ranks) == ([4, 9, 8, 4, 8], [1, 2, 2, 1, 2])
    assert flat.logprobs == [-0.1, -2.0, -0.9, -0.6, -0.9]


def test_ranked_reads_rows_by_rank_whatever_their_order() -> None:
    from vllm.logprobs import FlatLogprobs
    from vllm.outputs import CompletionOutput

    from server.vllm_adapter.engine import _ranked

    flat = FlatLogprobs()
    flat.append_fast([8, 4, 8, 3], [-0.9, -0.6, -0.9, -3.0], iter([2, 1, 2, 3]), [None] * 4)
    completion = CompletionOutput(0, "", [8], None, logprobs=flat)
    assert _ranked(completion, 2) == (((4, -0.6), (8, -0.9)),)


def test_detokenizer_reads_only_the_fields_that_are_handed_to_it() -> None:
    from vllm.sampling_params import SamplingParams
    from vllm.v1.engine.detokenizer import BaseIncrementalDetokenizer, IncrementalDetokenizer

    from tests.random_checkpoints import make_tokenizer

    tokenizer = make_tokenizer()
    request = SimpleNamespace(
        request_id="r",
        sampling_params=SamplingParams(),
        prompt_token_ids=tokenizer.encode("Q"),
        prompt_embeds=None,
    )
    detokenizer = IncrementalDetokenizer.from_new_request(tokenizer, request)
    assert isinstance(detokenizer, BaseIncrementalDetokenizer)
    duck = tokenizer.encode("🦆", add_special_tokens=False)
    assert len(duck) == 4
    assert [detokenizer.decode_next(token_id) for token_id in duck] == ["", "", "", "🦆"]


def test_outputs_are_built_by_keyword() -> None:
    from vllm.outputs import CompletionOutput, RequestOutput

    assert {"index", "text", "token_ids", "finish_reason", "stop_reason", "logprobs"} <= parameters(
        CompletionOutput
    )
    assert {"request_id", "prompt", "outputs", "finished", "num_cached_tokens"} <= parameters(
        RequestOutput
    )


def test_outputs_say_what_became_of_the_prompt() -> None:
    from vllm.outputs import RequestOutput
    from vllm.v1.engine.output_processor import OutputProcessor, RequestState
    from vllm.v1.metrics.stats import RequestStateStats

    fresh = RequestStateStats()
    assert (fresh.queued_ts, fresh.scheduled_ts) == (0.0, 0.0)
    assert {"metrics", "prompt_token_ids"} <= parameters(RequestOutput)
    made = inspect.getsource(RequestState._new_request_output)
    assert "metrics=self.stats," in made
    assert "request_id=external_req_id," in made
    read = inspect.getsource(OutputProcessor.process_outputs)
    assert read.index("self._update_stats_from_output(") < read.index(".make_request_output(")


def test_traces_are_exported_as_the_adapter_takes_it() -> None:
    from vllm.config import ModelConfig, ObservabilityConfig
    from vllm.lora.request import LoRARequest
    from vllm.tracing import otel
    from vllm.v1.engine.async_llm import AsyncLLM
    from vllm.v1.engine.output_processor import OutputProcessor

    assert ObservabilityConfig().otlp_traces_endpoint is None
    assert "trace_headers" in parameters(AsyncLLM.generate)
    assert "init_tracer(" in inspect.getsource(AsyncLLM.__init__)
    assert "set_tracer_provider(" in inspect.getsource(otel.init_otel_tracer)
    traced = inspect.getsource(OutputProcessor.do_tracing)
    assert "extract_trace_context(engine_core_output.trace_headers)" in traced
    assert '"llm_request"' in traced
    assert "GEN_AI_REQUEST_ID: req_state.external_req_id" in traced
    assert "TraceContextTextMapPropagator().extract(headers)" in inspect.getsource(
        otel.extract_trace_context
    )
    assert "self.served_model_name = get_served_model_name(" in inspect.getsource(ModelConfig)
    assert LoRARequest("name", 1, "/path").lora_name == "name"


def test_several_api_servers_make_metrics_of_files_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a collector of our own, such as the machine's energy, does not show."""
    from prometheus_client import REGISTRY
    from vllm.v1.metrics.prometheus import get_prometheus_registry

    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    assert get_prometheus_registry() is REGISTRY
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert list(get_prometheus_registry().collect()) == []


def test_reply_models_take_the_report_as_an_extra_field() -> None:
    from vllm.entrypoints.openai.responses.protocol import ResponseCompletedEvent, ResponsesResponse
    from vllm.entrypoints.serve.engine.protocol import ErrorResponse

    assert ResponsesResponse.model_config["extra"] == "allow"
    assert "response" in ResponseCompletedEvent.model_fields
    assert {"message", "type", "code"} <= set(
        ErrorResponse.model_fields["error"].annotation.model_fields  # type: ignore[union-attr]  # a model
    )


@pytest.mark.parametrize("api", ["chat_completion", "completion", "responses"])
def test_requests_keep_unknown_fields(api: str) -> None:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.entrypoints.openai.completion.protocol import CompletionRequest
    from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

    model, body = {
        "chat_completion": (ChatCompletionRequest, {"messages": []}),
        "completion": (CompletionRequest, {"prompt": "a"}),
        "responses": (ResponsesRequest, {"input": "a"}),
    }[api]
    request = model.model_validate({"model": "m", **body, "decoding": {"strategy": "greedy"}})
    assert request.model_extra == {"decoding": {"strategy": "greedy"}}
    assert "temperature" not in request.model_fields_set


def test_plugin_attaches_to_an_app_that_serves_chat_only() -> None:
    from server.vllm_adapter.plugin import WinnowPlugin

    bare, chatting = FastAPI(), FastAPI()
    chatting.post("/v1/chat/completions")(lambda: None)
    for app in (bare, chatting):
        WinnowPlugin().attach_router(app)
    paths = [{getattr(route, "path", "") for route in app.routes} for app in (bare, chatting)]
    assert "/v1/responses" not in paths[0]
    assert {"/v1/responses", "/v1/models/{model:path}"} <= paths[1]


def test_metering_steps_in_where_all_requests_pass() -> None:
    from vllm.v1.engine import EngineCoreRequest
    from vllm.v1.engine.async_llm import AsyncLLM
    from vllm.v1.engine.detokenizer import IncrementalDetokenizer
    from vllm.v1.engine.input_processor import InputProcessor
    from vllm.v1.engine.output_processor import OutputProcessor, RequestState

    added = list(inspect.signature(OutputProcessor.add_request).parameters)
    assert added[:5] == ["self", "request", "prompt", "parent_req", "request_index"]
    assert {"prompt_len", "detokenizer"} <= set(RequestState.__init__.__code__.co_names)
    assert callable(IncrementalDetokenizer.num_output_tokens)
    assert "cache_salt" in EngineCoreRequest.__struct_fields__
    assert callable(InputProcessor.process_inputs)
    for name in ("self.input_processor.process_inputs", "self.output_processor.add_request"):
        assert name in inspect.getsource(AsyncLLM)


def test_budgets_are_held_where_nothing_runs_yet() -> None:
    from vllm.entrypoints.generate.base.serving import GenerateBaseServing
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
    from vllm.v1.engine.async_llm import AsyncLLM

    for method in (AsyncLLM.generate, AsyncLLM.encode, GenerateBaseServing.beam_search):
        assert inspect.isasyncgenfunction(method), "its call runs nothing"
    assert list(inspect.signature(AsyncLLM.generate).parameters)[1:3] == [
        *("prompt", "sampling_params")
    ]
    assert list(inspect.signature(AsyncLLM.encode).parameters)[1] == "prompt"
    searched = list(inspect.signature(GenerateBaseServing.beam_search).parameters)
    assert searched[1:4] == ["prompt", "request_id", "params"]
    made = inspect.getsource(OpenAIServingResponses._create_responses)
    call = made[made.index("self._generate_with_builtin_tools(") :]
    assert "engine_input=engine_input," in call
    assert "sampling_params=sampling_params," in call


def test_responses_are_kept_by_the_id_of_their_request() -> None:
    from vllm.entrypoints.openai.responses import api_router as responses
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses

    source = inspect.getsource(OpenAIServingResponses)
    for line in (
        "self.background_tasks[response_id] = task",
        "self.response_store.get(prev_response_id)",
        "self.msg_store[request.request_id] = messages",
        "message=f\"Response with id '{response_id}' not found.\"",
    ):
        assert line in source
    assert {"response_id", "raw_request", "starting_after", "stream"} == parameters(
        responses.retrieve_responses
    )
    assert list(inspect.signature(responses.cancel_responses).parameters) == [
        *("response_id", "raw_request")
    ]


def test_priorities_are_read_where_the_gate_looks_for_them() -> None:
    from vllm.entrypoints.generate.base import serving

    from server.gate.priority import HEADER

    assert serving.PRIORITY_HEADER == HEADER


def test_refused_messages_are_logged_where_the_filter_is() -> None:
    from vllm.entrypoints.anthropic import api_router

    from server.vllm_adapter.logs import ANTHROPIC

    assert api_router.logger.name == ANTHROPIC


def test_gate_steps_in_where_layers_are_built_early() -> None:
    from uvicorn.config import HTTP_PROTOCOLS
    from vllm.entrypoints.launchers import launcher
    from vllm.v1.engine.async_llm import AsyncLLM

    assert "auto" in HTTP_PROTOCOLS
    assert "uvicorn.Config(app" in inspect.getsource(launcher.serve_http)
    assert "app.state.server = server" in inspect.getsource(launcher.serve_http)
    assert isinstance(AsyncLLM.errored, property)
    assert isinstance(FastAPI().middleware_stack, type(None))


def test_app_and_engine_can_be_had_without_a_socket() -> None:
    from vllm.entrypoints.launchers import launcher
    from vllm.entrypoints.launchers.api_server import app_state, entry
    from vllm.entrypoints.launchers.app import build_app

    served = inspect.getsource(entry.build_and_serve)
    for step in ("get_supported_tasks()", "build_app(args, ", "init_app_state(engine_client, "):
        assert step in served
    assert {"args", "supported_tasks", "model_config"} <= parameters(build_app)
    assert list(inspect.signature(app_state.init_app_state).parameters)[:3] == [
        *("engine_client", "state", "args")
    ]
    assert "args" in parameters(entry.build_async_engine_client)
    assert "args" in parameters(launcher.validate_api_server_args)
    for step in ("import_tool_parser", "import_reasoning_parser", "validate_api_server_args"):
        assert step in inspect.getsource(launcher.setup_server)


def test_a_replica_hears_of_its_engines_death_before_its_requests_do() -> None:
    from vllm.v1.engine.async_llm import AsyncLLM
    from vllm.v1.engine.output_processor import OutputProcessor

    assert "output_processor.propagate_error(e)" in inspect.getsource(AsyncLLM)
    assert len(parameters(OutputProcessor.propagate_error)) == 2


def test_environment_can_be_cached_for_good() -> None:
    from vllm import envs

    assert not inspect.signature(envs.enable_envs_cache).parameters
    envs.enable_envs_cache()
    try:
        assert envs.__getattr__("VLLM_NO_USAGE_STATS") is envs.VLLM_NO_USAGE_STATS
        assert hasattr(envs.__getattr__, "cache_info"), "the module looks variables up by a cache"
    finally:
        envs.disable_envs_cache()
