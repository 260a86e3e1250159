"""Short texts of people: titles, forum talk, reviews, posts, descriptions of apps."""

from collections.abc import Iterator
from pathlib import Path

from training.public import files
from training.public.clean import passages, tidy
from training.public.rows import BY_PEOPLE, PublicRow, plain

_MIN_CHARS = 5


def titles(data: Path) -> Iterator[PublicRow]:
    """``fewclue_tnews``: titles of a news app, self-media among them; not checked for truth."""
    for entry in files.objects(data / "fewclue_tnews" / "unlabeled.json.xz"):
        yield from _rows(f"tnews{entry['id']}", entry["sentence"])


def news_titles(data: Path) -> Iterator[PublicRow]:
    """``thucnews_titles``: titles of a news site."""
    for number, line in enumerate(files.lines(data / "thucnews_titles" / "dev.txt")):
        yield from _rows(f"thuc{number}", line.split("\t")[0])


def finance_flashes(data: Path) -> Iterator[PublicRow]:
    """``fincuge``, finnl: short news of finance."""
    yield from _listed(data / "fincuge" / "finnl_train_list.json.xz", 0)


def stock_talk(data: Path) -> Iterator[PublicRow]:
    """``fincuge``, finfe: posts of a stock forum."""
    yield from _listed(data / "fincuge" / "finfe_train_list.json.xz", 0)


def finance_complaints(data: Path) -> Iterator[PublicRow]:
    """``fincuge``, finnsp: posts and news on finance bodies, victims' complaints among them."""
    yield from _listed(data / "fincuge" / "finnsp_train_list.json.xz", 2)


def app_descriptions(data: Path) -> Iterator[PublicRow]:
    """``fewclue-human``: descriptions in an app store, in the tone of marketing."""
    path = data / "fewclue-human" / "iflytek_train_few_all.json.xz"
    for number, entry in enumerate(files.objects(path)):
        yield from _rows(f"iflytek{number}", entry["sentence"])


def hotel_reviews(data: Path) -> Iterator[PublicRow]:
    """``reviews-chinesenlpcorpus``: reviews of hotels, about 2008."""
    path = data / "reviews-chinesenlpcorpus" / "ChnSentiCorp_htl_all.csv.xz"
    for number, row in enumerate(files.table(path)):
        yield from _rows(f"hotel{number}", row["review"])


def microblogs_2020(data: Path) -> Iterator[PublicRow]:
    """``weibo-smp2020-ewect``: personal posts."""
    for part in ("usual_eval_labeled", "usual_test_labeled"):
        for entry in files.objects(data / "weibo-smp2020-ewect" / f"{part}.txt.xz"):
            yield from _rows(f"smp {part} {entry['id']}", entry["content"])


def _listed(path: Path, place: int) -> Iterator[PublicRow]:
    for number, entry in enumerate(files.objects(path)):
        yield from _rows(f"{path.name} {number}", entry[place])


def _rows(group: str, text: str) -> Iterator[PublicRow]:
    texts = (passage for passage in passages(tidy(text), 1) if len(passage) >= _MIN_CHARS)
    yield from plain(((group, passage) for passage in texts), BY_PEOPLE)
