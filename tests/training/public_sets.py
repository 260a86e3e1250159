"""A folder of public data sets in miniature: their formats, with invented texts."""

import io
import json
import lzma
import tarfile
from collections.abc import Iterable
from pathlib import Path

SENTENCES = (
    "今天的会议讨论了三件事情。",
    "第一件是河道清理的进度，第二件是车站的改造。",
    "居民代表提了不少意见，工作人员都记了下来。",
    "会后大家去看了现场，路面已经铺好一半。",
    "下个月还要再开一次会，时间另行通知。",
)


def long_text(number: int, sentences: int = 40) -> str:
    """About 20 characters a sentence, different for each number."""
    chosen = (SENTENCES[(number + place) % 5] for place in range(sentences))
    return f"编号{number}。" + "".join(chosen)


def write_public_sets(folder: Path) -> Path:
    """Every set of ``training.public.sources``, a few rows each."""
    _weibo(folder)
    _claims(folder)
    _articles(folder)
    _short(folder)
    _machine(folder)
    return folder


def _weibo(folder: Path) -> None:
    groups = ["dataset\tkey\tlabel_1_is_rumor\tgroup"]
    for part, about in (
        ("train_rumor", "1|名字|u|null|2012-11-13 16:55|true"),
        ("test_rumor", "1|名字|u|null|2013-01-02 08:00|true"),
        ("train_nonrumor", "2|null|null|null|1452440393000|true"),
        ("test_nonrumor", "2|null|null|null|1445912087000|true"),
    ):
        lines = []
        for number in range(3):
            text = (
                f"【转发】{part}的第{number}条，电话13812345678，@某某人 #话题# {SENTENCES[number]}"
            )
            lines += [about, "图片|null", text]
            group = "" if number == 2 else f"{part}{number}"
            groups.append(f"w16\t{part}:{number}\t0\t{group}")
        _write(folder / "weibo16_jin" / f"{part}.txt.xz", "\n".join(lines) + "\n")
    groups += ["ced\t1.json\t1\ttrain_rumor0", "ced\t2.json\t1\tc2", "ced\t3.json\t0\tc3"]
    groups += ["ma\t0\t0\tm0", "ma\t1\t1\tm1"]
    _write(folder / "weibo_near_dup_groups.tsv", "\n".join(groups) + "\n")
    _write(
        folder / "ced_labels.tsv", "file\tlabel\n1.json\trumor\n2.json\trumor\n3.json\tnon-rumor\n"
    )
    posts = {
        "1.json": {"text": "与另一套重复的那一条，内容相近。", "time": 1349768694},
        "2.json": {"text": "听说城东的水井全都干了，大家快去囤水。", "time": "1349768694"},
        "3.json": {"text": "早上的雾很大，开车慢一点。", "time": "Wed May 08 20:44:17 +0800 2013"},
    }
    archive = folder / "ced_thunlp" / "original-microblog.tar.xz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz") as tar:
        for name, post in posts.items():
            raw = json.dumps(post).encode()
            entry = tarfile.TarInfo(f"original-microblog/{name}")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    lines = ["1\t天气真好，出去走走吧。\u2028真的\tnon-rumor", "2\t吃了这个就能长高十厘米。\tfalse"]
    _write(folder / "ma_weibo" / "weibo.txt", "\n".join(lines) + "\n")


def _claims(folder: Path) -> None:
    claims = [
        {
            "title": f"第{number}个说法",
            "descrip": f"第{number}个说法：喝热水能治好近视。",
            "LiuyanType": verdict,
            "date": "2015-07-09",
            "detail": f"<p>流言</p><h2>论证</h2><div>{long_text(number)}</div>",
        }
        for number, verdict in enumerate("假真论")
    ]
    values = "\n".join(json.dumps(claim, ensure_ascii=False) for claim in claims)
    _write(folder / "guokr_liuyan" / "gk00.json.xz", values)
    health = [
        {"input": long_text(number), "label": label}
        for number, label in enumerate(("是谣言", "不是谣言", "与健康信息不相关"))
    ]
    _write(folder / "hrde_health" / "dev_data.json", json.dumps(health))


def _articles(folder: Path) -> None:
    for publisher in (
        "联动要闻_中国互联网联合辟谣平台",
        "微博辟谣",
        "科信食品与健康信息交流中心",
        "果壳网-谣言粉碎机",
        "中国食品辟谣网_新华网",
    ):
        text = f"经核实，此消息为谣言。{publisher}{long_text(3)}"
        _table(folder / "hrde_refutations" / f"{publisher}.csv.xz", [{"title": "t", "text": text}])
    news = [f"[ 2023-07-28 16：40 ] ，正文：{long_text(number)}" for number in range(3)]
    name = "documents_dup_part_1_part_1.xz"
    _write(folder / "crud-news-2023" / name, "\n".join(news))
    wiki = {"data": [{"paragraphs": [{"context": long_text(5)}]}]}
    _write(folder / "wiki-cmrc2018" / "cmrc2018_dev.json.xz", json.dumps(wiki))
    _write(folder / "csl-abstracts" / "ts_dev.tsv", f"to title\t{long_text(6)}\t标题\n")
    law = f"# 某规定\n<!-- INFO END -->\n## 第一章\n{long_text(7)}"
    _write(folder / "laws-official" / "部门规章" / "某规定.md", law)
    answer = {"question": "邻居占了我家的车位，我该怎么办？", "answer": f"回答:{long_text(8)}"}
    _write(folder / "lawbench_legal" / "3-8.first350.json", json.dumps([answer]))


def _short(folder: Path) -> None:
    titles = [{"sentence": f"第{n}条标题：夏天吃什么", "id": n} for n in range(3)]
    lines = "\n".join(json.dumps(title) for title in titles)
    _write(folder / "fewclue_tnews" / "unlabeled.json.xz", lines)
    _write(folder / "fewclue-human" / "iflytek_train_few_all.json.xz", lines)
    _write(folder / "thucnews_titles" / "dev.txt", "某公司发布年报\t0\n某队赢得比赛\t1\n")
    fin = folder / "fincuge"
    _write(fin / "finnl_train_list.json.xz", json.dumps([["某指数收涨百分之一。", "指数"]]))
    _write(fin / "finfe_train_list.json.xz", json.dumps([["今天又跌了，不看了", 0]]))
    _write(
        fin / "finnsp_train_list.json.xz", json.dumps([["id", "", "平台一直不退款，已经报警", 1]])
    )
    reviews = [{"label": "1", "review": "房间很大，早餐一般。"}]
    _table(folder / "reviews-chinesenlpcorpus" / "ChnSentiCorp_htl_all.csv.xz", reviews)
    for part in ("usual_eval_labeled", "usual_test_labeled"):
        posts = [{"id": 1, "content": f"{part}：今天好累啊", "label": "sad"}]
        _write(folder / "weibo-smp2020-ewect" / f"{part}.txt.xz", json.dumps(posts))


def _machine(folder: Path) -> None:
    for place, domain in enumerate(("composition", "film review", "paper")):
        human = [{"id": "1", "text": long_text(place), "label": "1", "attribution": "human"}]
        machine = [
            {"id": "2", "text": long_text(9 + place), "label": "0", "attribution": "model-x"}
        ]
        newest = [{"id": "3", "text": long_text(60 + place), "label": "0", "attribution": "qwen-3"}]
        for rows, name in ((human, "human"), (machine, "model-x"), (newest, "qwen-3")):
            titled = [{**row, "x_title": "同一个题目"} for row in rows]
            _table(folder / "c-red" / domain / f"CReD_{domain}_{name}.csv.xz", titled)
    for place, domain in enumerate(("news", "question answer")):
        row = {"id": "1", "text": long_text(20 + place), "label": "1", "attribution": "human"}
        _table(folder / "c-red" / domain / "CReD_human.csv.xz", [row])
    for place, part in enumerate(("finance", "psychology", "nlpcc_dbqa", "law", "medicine")):
        human = [long_text(30 + place), None, "太短。"]
        machine = [long_text(40 + place), f"作为一个AI，我不能回答。{long_text(1)}"]
        entry = {"question": "q", "human_answers": human, "chatgpt_answers": machine}
        _write(folder / "hc3-chinese" / f"{part}.jsonl.xz", json.dumps(entry))
    rows = [{"text": long_text(50), "label": 0}, {"text": long_text(51), "label": 1}]
    lines = "\n".join(json.dumps(row) for row in rows)
    _write(folder / "hc3-plus-zh" / "val_hc3_QA.jsonl.xz", lines)


def _table(path: Path, rows: Iterable[dict[str, str]]) -> None:
    rows = list(rows)
    lines = [",".join(rows[0]), *(",".join(f'"{v}"' for v in row.values()) for row in rows)]
    _write(path, "\ufeff" + "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = text.encode()
    path.write_bytes(lzma.compress(raw) if path.suffix == ".xz" else raw)
