import base64
import html
import html.parser
import io

import numpy as np
import pytest
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.few_shot.report import html_report
from sib_tf.few_shot.report.shown_episode import ShownEpisode

PICTURES = ("accuracy_vs_steps", "training_curves", "reliability", "episode", "probabilities")
VOID_ELEMENTS = {"meta", "img"}


def make_row(num_steps, accuracy, method="sib", query_shares="balanced", **fields):
    is_trained = method == "sib"
    return {
        "method": method,
        "synthetic_gradient": "dense" if is_trained else None,
        "num_steps": num_steps,
        "way": 5,
        "shot": 1,
        "query": 75,
        "query_shares": query_shares,
        "train_query_shares": "balanced" if is_trained else None,
        "accuracy": accuracy,
        "ci95": 0.0061,
        "ece": 0.042,
        "seconds": 12.34,
        "reliability": {
            "confidence": [None, 0.31, 0.52, 0.71, 0.93],
            "accuracy": [None, 0.28, 0.55, 0.66, 0.90],
            "count": [0, 100, 400, 900, 1600],
        },
    } | fields


def make_report(*rows):
    return {
        "dataset": "cifar_fs",
        "backbone": "conv4",
        "split": "test",
        "episodes": 2000,
        "seed": 7,
        "num_steps": 3,
        "step_size": 0.001,
        "results": list(rows),
    }


GAIN = {"mean": 0.1077, "ci95": 0.0049}
LOSS = {"method": "sib", "mean": -0.1077, "ci95": 0.0049}
BASELINE = make_row(0, 0.6172, method="prototypes", ci95=0.0051, differences={"best_other": LOSS})
AT_0 = make_row(0, 0.6181)
AT_3 = make_row(
    3,
    0.7249,
    ece=0.0876,
    seconds=45.67,
    differences={"start": GAIN, "best_other": {"method": "prototypes", **GAIN}},
)
SKEWED = make_row(0, 0.6203, method="prototypes", query_shares="dirichlet", ci95=0.0056)
SKEWED_AT_3 = make_row(3, 0.6194, query_shares="dirichlet", ci95=0.0058)
REPORT = make_report(AT_3, BASELINE, AT_0, SKEWED_AT_3, SKEWED)

CURVES = {
    "pretraining": {
        "epoch": [1, 2, 3],
        "loss": [3.1, 2.2, float("nan")],
        "accuracy": [0.1, 0.3, 0.6],
        "val_accuracy": [None, 0.4, 0.5],
    },
    "meta-training": {"loss": [0.9], "val_loss": [0.8], "accuracy": [0.7]},
}


def make_episode(
    num_steps=3,
    shot=1,
    query=20,
    size=32,
    class_names=("cat", "dog", "U+0041_LATIN_CAPITAL_LETTER_A"),
):
    """Noisy images of one colour per class; each step raises the probability of the true class."""
    rng = np.random.default_rng(0)
    way = len(class_names)
    support_labels = np.tile(np.arange(way), shot)
    query_labels = np.sort(rng.integers(way, size=query))
    colours = rng.integers(60, 200, size=(way, 1, 1, 3))

    def paint(labels):
        noise = rng.normal(0, 20, (len(labels), size, size, 3))
        return np.clip(colours[labels] + noise, 0, 255).astype(np.uint8)

    logits = rng.normal(size=(query, way))
    path = np.stack([logits + k * 0.5 * np.eye(way)[query_labels] for k in range(num_steps + 1)])
    probabilities = np.exp(path) / np.exp(path).sum(axis=-1, keepdims=True)
    return ShownEpisode(
        class_names,
        paint(support_labels),
        support_labels,
        paint(query_labels),
        query_labels,
        probabilities,
    )


class _Page(html.parser.HTMLParser):
    """The visible parts of a page; fails on unbalanced tags."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.rows, self.strong, self.texts = [], [], [], [], {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.images.append(dict(attrs))
        if tag == "tr":
            self.rows.append([])
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        data = data.replace("\N{NO-BREAK SPACE}", " ")
        if not data.strip():
            return
        if "tr" in self.open:
            self.rows[-1].append(data)
        if "strong" in self.open:
            self.strong.append(data)
        self.texts.setdefault(self.open[-1], []).append(data)

    @property
    def summary(self):
        return self.texts["p"][0]


def write(folder, content=REPORT, curves=None, episode=None):
    path = folder / "report.html"
    html_report.write(path, content, curves or {}, episode or make_episode())
    return _Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report") / "new"


@pytest.fixture(scope="module")
def page(folder):
    return write(folder, curves=CURVES)


def test_summary_says_what_the_steps_change(page):
    # 72.49 - 61.81 = 10.68; Dirichlet has no K = 0 of its own: 61.94 - 62.03 = -0.09.
    assert page.summary == (
        "In 2,000 episodes (5-way 1-shot, 75 queries) of the test split of cifar_fs, "
        "synthetic-gradient steps take the accuracy "
        "on balanced queries from 61.8 % at K = 0 to 72.5 % at K = 3 (+10.7 points); "
        "on Dirichlet queries from 62.0 % at K = 0 to 61.9 % at K = 3 (−0.1 points)."
    )


def test_summary_of_several_models_is_short(tmp_path):
    other = make_row(3, 0.7, synthetic_gradient="set", train_query_shares="mixture")
    skewed = make_row(3, 0.59, query_shares="dirichlet", train_query_shares="mixture")
    page = write(tmp_path, make_report(BASELINE, AT_0, AT_3, other, SKEWED, skewed))
    # Over their K = 0: 72.49 - 61.81 = 10.68, 70.00 - 61.72 = 8.28 and 59.00 - 62.03 = -3.03.
    assert "change the accuracy by between −3.0 and +10.7 points" in page.summary


def test_headline_and_reliability_are_of_the_trained_k_not_of_the_best(tmp_path):
    at_5 = make_row(5, 0.9, ece=0.001)
    page = write(tmp_path, make_report(AT_0, AT_3, at_5))
    assert "to 72.5 % at K = 3" in page.summary
    accuracy, reliability = (image["alt"] for image in page.images[:2])
    assert "K = 3: 0.088" in reliability
    assert "K = 5" not in reliability
    assert "K = 5: 90.0 %" in accuracy
    assert "K = 3, step size 0.001" in page.texts["dd"]


def test_table_holds_every_row_under_its_queries(page):
    assert page.rows[1:] == [
        ["Balanced queries (5-way 1-shot, 75 queries)"],
        ["cosine prototypes, K = 0", "–", "61.7 ± 0.5", "–", "−10.8 ± 0.5", "0.042", "12.3"],
        ["SIB, dense network, K = 0", "balanced queries", "61.8 ± 0.6", "–", "–", "0.042", "12.3"],
        [
            "SIB, dense network, K = 3",
            "balanced queries",
            "72.5 ± 0.6",
            "+10.8 ± 0.5",
            "+10.8 ± 0.5",
            "0.088",
            "45.7",
        ],
        ["Dirichlet queries (5-way 1-shot, 75 queries)"],
        ["cosine prototypes, K = 0", "–", "62.0 ± 0.6", "–", "–", "0.042", "12.3"],
        ["SIB, dense network, K = 3", "balanced queries", "61.9 ± 0.6", "–", "–", "0.042", "12.3"],
    ]


def test_best_of_each_group_is_bold(page):
    assert page.strong == ["72.5 ± 0.6", "62.0 ± 0.6"]


def test_page_embeds_the_picture_files(page, folder):
    files = [(folder / "pictures" / f"{name}.png").read_bytes() for name in PICTURES]
    prefix = "data:image/png;base64,"
    embedded = [base64.b64decode(image["src"].removeprefix(prefix)) for image in page.images]
    assert embedded == files
    for file in files:
        Image.open(io.BytesIO(file)).load()


def test_page_is_self_contained(page, folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    for reference in ("http:", "https:", "<link", "<script", "@import", "url("):
        assert reference not in text
    assert all(image["alt"] for image in page.images)


def test_alternative_text_gives_the_numbers(page):
    accuracy, _, reliability, episode, _ = (image["alt"] for image in page.images)
    assert "SIB, dense network, K = 3: 72.5 %" in accuracy
    assert "SIB, dense network, K = 3: 0.088" in reliability
    assert "Classes: 1 cat, 2 dog, 3 Latin capital A." in episode


def test_incomparable_accuracies_have_separate_panels(page):
    assert page.images[1]["alt"] == (
        "Line charts over the epochs: pretraining, loss; pretraining, accuracy, all classes; "
        "pretraining, accuracy, episodes; meta-training, loss; meta-training, accuracy."
    )


def test_the_caption_describes_the_phases_that_are_drawn(tmp_path):
    captions = {
        phase: write(tmp_path / phase, curves={phase: CURVES[phase]}).texts["figcaption"][1]
        for phase in CURVES
    }
    assert "overfits" not in captions["pretraining"]
    assert "another question" in captions["pretraining"]
    assert captions["meta-training"].startswith("Meta-training has episodes on both sides")


def test_same_input_gives_the_same_bytes(page, folder, tmp_path):
    write(tmp_path, curves=CURVES)
    for file in ("report.html", *(f"pictures/{name}.png" for name in PICTURES)):
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()


def test_text_from_outside_is_escaped(tmp_path):
    hostile = '<img src="x">&$x^$'
    content = make_report(AT_0, AT_3) | {"dataset": hostile}
    page = write(tmp_path, content, CURVES, make_episode(class_names=(hostile, "b")))
    assert len(page.images) == len(PICTURES)
    assert page.texts["h1"] == [f"Few-shot classification on {hostile}"]
    assert hostile in page.images[3]["alt"]


def test_unknown_shares_are_refused(tmp_path):
    with pytest.raises(UserError, match='shares="even" is unknown: use "balanced" or'):
        write(tmp_path, make_report(AT_0, AT_3 | {"query_shares": "even"}))


def test_queries_that_change_are_counted(tmp_path):
    image = np.zeros((4, 8, 8, 3), np.uint8)
    first, second = [0.9, 0.1, 0.0], [0.2, 0.8, 0.0]
    episode = ShownEpisode(
        ("a", "b", "without queries"),
        image[:3],
        np.array([0, 1, 2]),
        image,
        np.array([0, 0, 1, 1]),
        np.array([[first, second, second, first], [first, first, first, first]]),
    )
    page = write(tmp_path, episode=episode)
    # The second query turns right, the third turns wrong, the fourth stays wrong.
    outcome = "2 of 4 queries are right at K = 0 and 2 at K = 1 (newly right: 1, newly wrong: 1)."
    assert outcome in page.images[2]["alt"]
    # Of the true class: (0.9 + 0.2 + 0.8 + 0.1) / 4 and (0.9 + 0.9 + 0.1 + 0.1) / 4.
    assert "from 50.0 % at K = 0 to 50.0 % at K = 1" in page.images[3]["alt"]


def test_one_k_without_curves(tmp_path):
    stale = tmp_path / "pictures" / "training_curves.png"
    stale.parent.mkdir()
    stale.touch()
    page = write(tmp_path, make_report(AT_0), curves={}, episode=make_episode(num_steps=0))
    assert page.summary.endswith("the accuracy is 61.8 % on balanced queries.")
    assert len(page.images) == len(PICTURES) - 1
    assert not stale.exists()


def test_prototypes_alone(tmp_path):
    empty = {"confidence": [None] * 3, "accuracy": [None] * 3, "count": [0] * 3}
    page = write(tmp_path, make_report(BASELINE | {"reliability": empty}))
    assert page.strong == ["61.7 ± 0.5"]


@pytest.mark.parametrize(("shot", "size"), [(1, 32), (5, 84)])
def test_pictures_are_small(tmp_path, shot, size):
    episode = make_episode(shot=shot, query=75, size=size, class_names=tuple("abcde"))
    write(tmp_path, episode=episode)
    for picture in (tmp_path / "pictures").iterdir():
        assert picture.stat().st_size < 150_000


def test_class_names_are_shortened(tmp_path):
    names = (
        "U+0041_LATIN_CAPITAL_LETTER_A",
        "U+0061_LATIN_SMALL_LETTER_A",
        "U+0436_CYRILLIC_SMALL_LETTER_ZHE",
        "aquarium_fish",
        "n01532829",
    )
    page = write(tmp_path, episode=make_episode(class_names=names))
    shown = "1 Latin capital A, 2 Latin small a, 3 Cyrillic small zhe, 4 aquarium fish, 5 n01532829"
    assert f"Classes: {shown}." in page.images[2]["alt"]


def test_empty_results_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no results"):
        write(tmp_path, make_report())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("support_images", np.zeros((3, 8, 8, 3), np.float32)),
        ("query_images", np.zeros((20, 8, 8, 1), np.uint8)),
        ("query_labels", np.zeros(19, int)),
        ("probabilities", np.zeros((20, 3))),
        ("probabilities", np.zeros((4, 20, 2))),
    ],
)
def test_an_episode_of_wrong_shapes_is_refused(field, value):
    fields = vars(make_episode()) | {field: value}
    with pytest.raises(ValueError, match=field):
        ShownEpisode(**fields)
