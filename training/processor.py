"""What a processor and its C library do well, put to use before a training run."""

import ctypes
import platform
import timeit

import torch
from torch.nn.functional import linear

# how many times the faster 16-bit products must be: what surrounds them gains nothing
_CLEARLY = 1.5
# of mallopt(3)
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def fast_bf16() -> bool:
    """Whether 16-bit products are clearly the faster: a processor's flag alone does not say so.

    A Xeon that has AVX512-BF16 and no AMX takes 1.8 times as long for them as for 32 bits.
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    abilities = torch.cpu.get_capabilities()
    if not (abilities.get("amx_bf16") or abilities.get("avx512_bf16")):
        return False
    return _product_seconds(torch.float32) > _CLEARLY * _product_seconds(torch.bfloat16)


def keep_freed_memory() -> None:
    """Have glibc keep what the process frees; other C libraries are left as they are.

    By default every large tensor of a step is mapped from the system and given back, and each of
    its pages is cleared anew: a quarter of a step's time on the virtual machine that was measured.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, -1)


def _product_seconds(dtype: torch.dtype) -> float:
    """The shortest of a few products of the encoder's shape, in seconds."""
    rows, weights = torch.ones(2048, 384, dtype=dtype), torch.ones(1536, 384, dtype=dtype)
    return min(timeit.repeat(lambda: linear(rows, weights), number=1, repeat=10))
