"""A vLLM server in which the decoder is chosen per request.

What a package of decoders or verifiers imports: `from winnow import SampledDecoder, Selection`.
"""

from decoding.decoder import Decoder, Outcome
from decoding.engine import Engine, Prompt
from decoding.report import Report
from decoding.sample import Sample, Selection
from decoding.sampled import SampledDecoder, Samples
from decoding.verifiers import Claim, Verifier

__all__ = [
    "Claim",
    "Decoder",
    "Engine",
    "Outcome",
    "Prompt",
    "Report",
    "Sample",
    "SampledDecoder",
    "Samples",
    "Selection",
    "Verifier",
]
