"""Every public set that is read, with its licence and what it may be used for."""

from collections.abc import Iterator
from pathlib import Path

from labels.errors import InputError
from training.public import articles, claims, machine, short, weibo
from training.public.rows import PublicRow, Source, sampled

#: the texts of the one generator that no model learns from
UNSEEN_GENERATOR = "c-red unseen generator"

_NONE = "none stated"
_MEDIA = "Apache-2.0 badge of the collection; the texts belong to the media named"
_HC3 = "CC BY-SA 4.0"

_REFUTERS = (
    "联动要闻_中国互联网联合辟谣平台",
    "微博辟谣",
    "科信食品与健康信息交流中心",
    "果壳网-谣言粉碎机",
    "中国食品辟谣网_新华网",
)

SOURCES = (
    Source("weibo16_jin", "microblog", _NONE, weibo.rumours_2016, True, 8_000),
    Source("ced_thunlp", "microblog", _NONE, weibo.rumours_2014, True, 3_000),
    Source("ma_weibo", "microblog", _NONE, weibo.ordinary, True, 2_000),
    Source("guokr_liuyan", "claim", _NONE, claims.guokr, True, 2_000),
    Source("guokr_liuyan arguments", "popular science", _NONE, claims.guokr_arguments, True, 1_500),
    Source("hrde_health", "claim", "Apache-2.0 badge", claims.hrde_health, True, 600),
    *(
        Source(
            f"hrde_refutations {name}", "refutation", _MEDIA, articles.refutations(name), True, at
        )
        for name, at in zip(_REFUTERS, (1_200, 1_200, 700, 600, 400), strict=True)
    ),
    Source("crud-news-2023", "news", "Apache-2.0 badge", articles.news_2023, True, 4_000),
    Source("wiki-cmrc2018", "encyclopaedia", "CC BY-SA 4.0", articles.encyclopaedia, True, 800),
    Source("csl-abstracts", "abstract", _NONE, articles.abstracts, True, 800),
    Source("laws-official", "official text", "not in copyright", articles.laws, True, 800),
    Source("lawbench_legal", "legal advice", "Apache-2.0", articles.legal_answers, True, 800),
    Source("fewclue_tnews", "title", _NONE, short.titles, True, 3_000),
    Source("fincuge finnl", "finance news", _NONE, short.finance_flashes, True, 1_500),
    Source("fincuge finfe", "finance talk", _NONE, short.stock_talk, True, 1_000),
    Source("fincuge finnsp", "finance complaint", _NONE, short.finance_complaints, True, 1_200),
    Source("fewclue-human iflytek", "app description", _NONE, short.app_descriptions, True, 800),
    Source("reviews-chinesenlpcorpus", "review", _NONE, short.hotel_reviews, True, 1_200),
    *(
        Source(f"c-red {domain}", genre, _NONE, machine.c_red(domain), True, at)
        for domain, genre, at in (
            ("composition", "essay", 2_500),
            ("film review", "review", 2_500),
            ("paper", "abstract", 2_500),
            ("news", "news", 800),
            ("question answer", "answer", 800),
        )
    ),
    *(
        Source(f"hc3-chinese {part}", "answer", licence, machine.hc3(part), True, at)
        for part, licence, at in (
            ("finance", "CC BY 4.0", 700),
            ("psychology", "CC0", 1_200),
            ("nlpcc_dbqa", _HC3, 800),
            ("law", _HC3, 400),
        )
    ),
    Source("hc3-plus-zh", "answer", _HC3, machine.hc3_plus, True, 1_000),
    Source("hc3-chinese medicine", "answer", "CC BY-NC 4.0", machine.hc3("medicine"), False, 800),
    Source(UNSEEN_GENERATOR, "machine text", _NONE, machine.c_red_unseen, False, 1_500),
    Source("thucnews_titles", "title", "research use", short.news_titles, False, 2_000),
    Source(
        "weibo-smp2020-ewect",
        "microblog",
        "research use assumed",
        short.microblogs_2020,
        False,
        2_000,
    ),
)


def read_sources(
    data: Path, *, train: bool, licensed: bool = False
) -> Iterator[tuple[Source, list[PublicRow]]]:
    """The rows of each set that may be trained on, or of those kept for evaluation.

    Args:
        data: the folder that holds a folder for each set.
        train: which of the two.
        licensed: only sets under an express licence.

    Raises:
        InputError: a set is not there or not in the shape its adapter expects.
    """
    for source in SOURCES:
        if source.train is train and (source.licensed or not licensed):
            yield source, _read(source, data)


def _read(source: Source, data: Path) -> list[PublicRow]:
    try:
        rows = sampled(source.read(data), source.at_most)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{data}: set {source.name!r} cannot be read: {error!r}",
            remedy="name the folder that holds the public sets, each as published",
        ) from None
    if not rows:
        raise InputError(f"{data}: set {source.name!r} has no rows", remedy="fetch it again")
    return rows
