"""Tables and sentences under a figure: they say what the results say."""

import pandas as pd
from made_tables import made

from spectral_core.paper.book.report import (
    accuracy_table,
    agreement_sentence,
    choice_table,
    difference_table,
    gap_sentences,
    images_sentence,
    plateau_table,
    provenance_table,
    status_table,
)
from spectral_core.paper.results import authors
from spectral_core.paper.results.publishing import publish
from spectral_core.paper.results.tables import panel_provenance
from spectral_core.paper.study.figures import Panel


def test_accuracy_table_holds_mean_and_deviation_in_per_cent(table):
    chosen = (table["method"] == "post") & (table["percentile"] == 50)
    table = table.assign(accuracy=table["accuracy"].mask(chosen, [0.8, 0.9] * 9))
    first, second = table[chosen]["accuracy"]
    assert {first, second} == {0.8, 0.9}
    shown = accuracy_table(table, [0, 50, 90])
    assert list(shown.index) == ["direct", "post", "pre"]
    assert list(shown.columns) == ["0 %", "50 %", "90 %"]
    assert shown.loc["post", "50 %"] == "85.0 ± 7.1"


def test_differences_are_taken_seed_by_seed(table):
    levels = {"direct": 0.5, "post": 0.6, "pre": 0.6}
    shifts = 0.1 * table["seed"]  # the same for every method: it cancels
    flat = table.assign(accuracy=table["method"].map(levels) + shifts)
    shown = difference_table(flat, "post", [50, 60])
    (panel,) = table["panel"].unique()
    assert list(shown.columns) == ["average (cuts)", "50 %", "60 %"]
    assert list(shown.index) == [(panel, "direct"), (panel, "pre")]
    assert shown.loc[(panel, "direct"), "50 %"] == "−10.0 [−10.0, −10.0]"
    assert shown.loc[(panel, "pre"), "average (cuts)"] == "+0.0 [+0.0, +0.0] (2)"
    assert set(shown["60 %"]) == {""}
    assert difference_table(flat[flat["seed"] == 0], "post", [50]).empty


def test_average_differences_are_over_the_cuts_that_both_methods_have(table):
    accuracy = 0.5 + 0.1 * (table["percentile"] == 90) * (table["method"] == "direct")
    fewer = table.assign(accuracy=accuracy)[(table["method"] != "pre") | (table["percentile"] < 90)]
    (panel,) = table["panel"].unique()
    shown = difference_table(fewer, "direct", [90])["average (cuts)"]
    assert shown[panel, "post"] == "−5.0 [−5.0, −5.0] (2)"
    assert shown[panel, "pre"] == "+0.0 [+0.0, +0.0] (1)"


def test_weights_of_a_penalty_have_rows_of_their_own(table):
    other = table.assign(penalty=0.5, accuracy=0.25)
    both = pd.concat([table.assign(accuracy=0.75), other])
    shown = accuracy_table(both, [50])["50 %"]
    assert shown["pre", "0"] == "75.0 ± 0.0" and shown["pre", "0.5"] == "25.0 ± 0.0"
    assert len(shown) == len(plateau_table(both)) == 6


def test_sentence_says_which_images_and_features_it_were():
    copy = {"inputs": "cifar10-jpeg+mobilenet_v2-067cfda5-symmetric-96-max"}
    own = {"inputs": "cifar10+mobilenet_v2-b0353104-imagenet-96-mean"}
    said = images_sentence({"one": copy, "two": copy})
    assert said.startswith("Computed from a JPEG copy of the images of CIFAR-10")
    assert said.endswith("the weights 067cfda5, max pooling.") and said.count("JPEG") == 1
    assert "JPEG" not in images_sentence({"one": own})
    assert "mean pooling" in images_sentence({"one": own})
    assert images_sentence({"one": copy, "two": own}) == f"{said} {images_sentence({'two': own})}"
    assert images_sentence({"one": {"inputs": "digits"}}) == "Computed from digits."


def test_epochs_that_every_method_sets_by_itself_are_told_by_method(finished):
    study, store = finished
    made = panel_provenance(study, study.panels[0], store)
    own = {"epochs": 7, "learning_rate": 1e-4}
    panel = made["configuration"]["panel"]
    panel["recipe_by_method"] = {"direct": own}
    shown = provenance_table({"one": made})["one"]
    assert shown["epochs"] == "4, then 1 after each cut (pre)"
    methods, panel["methods"] = panel["methods"], ["direct", "post-retrained", "fresh"]
    anew = provenance_table({"one": made})["one"]["epochs"]
    assert anew == "4, then 1 after each cut (post-retrained), 5 of a new network (fresh)"
    panel["methods"] = methods
    assert shown["direct, by itself"] == "epochs 7, learning rate 0.0001"
    assert shown["epochs"] == "4, then 1 after each cut (pre)"
    panel["recipe_by_method"] = dict.fromkeys(("direct", "post", "pre"), own)
    shown = provenance_table({"one": made})["one"]
    assert "epochs" not in shown and shown["pre, by itself"] == shown["direct, by itself"]


def test_table_of_the_choice_marks_what_was_chosen():
    accuracies = {"0.0001": {"20": 0.5, "40": 0.75}, "0.001": {"20": 0.625, "40": 0.5}}
    chosen = {"learning_rate": 1e-4, "epochs": 40}
    record = {"accuracies": {"pre": accuracies}, "chosen": {"pre": chosen}}
    shown = choice_table({"one": {"choice": None}, "two": {"choice": record}})
    assert shown.loc[("pre", "0.0001")].tolist() == ["50.00", "75.00 ←"]
    assert shown.loc[("pre", "0.001")].tolist() == ["62.50", "50.00"]
    assert choice_table({"one": {}}) is None


def test_accuracy_table_leaves_out_cuts_that_are_not_there(table):
    assert list(accuracy_table(table, [0, 33, 90]).columns) == ["0 %", "90 %"]


def test_one_seed_has_no_deviation(table):
    shown = accuracy_table(table[table["seed"] == 0].assign(accuracy=0.5), [0])
    assert shown.loc["pre", "0 %"] == "50.0"


def test_sentence_counts_agreeing_points_and_names_the_largest_difference(table):
    assert agreement_sentence(table, table).startswith("9 of 9 mean accuracies agree")
    shifted = (table["method"] == "pre") & (table["percentile"] == 90)
    others = table.assign(accuracy=0.5 + 0.25 * shifted)
    sentence = agreement_sentence(table.assign(accuracy=0.5), others)
    assert sentence.startswith("8 of 9 mean accuracies agree")
    assert "Largest difference: -0.250 (pre, 90 % pruned; tolerance 0.010)" in sentence


def test_sentence_says_when_there_is_nothing_to_compare_with(table):
    assert "nothing to compare with" in agreement_sentence(table, None)


def test_provenance_table_shows_command_machine_commit_versions_and_seeds(finished):
    study, store = finished
    made = panel_provenance(study, study.panels[0], store)
    shown = provenance_table({"digits-elu-32": made})["digits-elu-32"]
    assert shown["made by"] == "spectral-core compute fig03 --preset smoke"
    assert shown["seeds"] == "0, 1"
    assert shown["epochs"] == "4, then 1 after each cut (pre)"
    assert "24 steps" in shown["computing time"]
    assert shown["machine"] == f"{made['hardware'][0]} (cpu)"
    assert str(made["commit"][0]) in shown["commit"]
    assert f"torch {made['versions']['torch'][0]}" in shown["versions"]
    for file, md5 in made["data"].items():
        assert shown[f"MD5 of {file}"] == md5


def test_plateau_ends_before_the_first_noticeable_fall():
    accuracies = {"direct": [0.90, 0.895, 0.85, 0.90], "post": [0.90, 0.90, 0.90, 0.89]}
    table = pd.DataFrame(
        {
            "panel": "p",
            "method": method,
            "seed": 0,
            "penalty": 0.0,
            "percentile": 10.0 * i,
            "nodes": 10 - i,
            "parameters": 10 - i,
            "accuracy": accuracy,
            "loss": 1.0,
        }
        for method, curve in accuracies.items()
        for i, accuracy in enumerate(curve)
    )
    plateaus = plateau_table(table)
    assert plateaus["uncut (%)"].tolist() == ["90.0", "90.0"]
    assert plateaus["within 1 point up to"].tolist() == ["10 % pruned", "30 % pruned"]


def test_gaps_to_the_authors_are_told_beside_what_seeds_make_up():
    def theirs(method, q, seed, _):
        rows = authors.released().query(
            "hidden_layers == 1 and dataset == 'mnist' and activation == 'tanh'"
        )
        curve = rows[rows["method"] == method].set_index("percentile")["accuracy"]
        return curve.get(q, 0.9) - (0.2 + 0.03 * (q == 90)) * (method == "post" and q >= 80)

    released = made(Panel("mnist", "tanh", (2000,), variant="released"), theirs, seeds=1)
    written = made(
        Panel("mnist", "tanh", (500,)),
        lambda m, q, seed, _: 0.5 + (0.01 if q == 95 else 0.1) * seed,
        seeds=2,
    )
    assert gap_sentences(released, written) == (
        "- mnist-tanh-2000-released, post: 10.5 points off on average, where 4.0 are allowed, and "
        "most at 90 %: −23.0. Ours: 1 seed. What theirs has there, our curve has at 79 %. Chance "
        "is least likely the reason at 95 %: −20.0 is 28.3 standard deviations, as 2 seeds as "
        "written (500 nodes) have them."
    )
    assert gap_sentences(released, written[:0]).endswith("our curve has at 79 %.")
    low = released.assign(accuracy=released["accuracy"] * 0.5)
    assert "What theirs has" not in gap_sentences(low, written)
    few = released.assign(kept=released["kept"].mask(released["percentile"] == 90, "70-8-900"))
    assert gap_sentences(few, written).endswith(
        "have them. At 90 % a layer has hardly any nodes left; the fewest in each run, with its "
        "accuracy: as released 8 (50.3 %); as written 50 (50.0 %), 50 (60.0 %)."
    )
    level = released.assign(accuracy=released["accuracy"].mask(released["method"] == "post"))
    assert gap_sentences(level.dropna(), written) == "No method lies further off than expected."


def test_status_has_a_row_per_panel_published_or_not(finished, project):
    assert set(status_table("smoke")["seeds"]) == {"not published"}
    publish(*finished)
    row = status_table("smoke").loc[("fig03", "digits-elu-32")]
    made_by = finished.store.record(finished.study.steps()[0])["made"]
    assert (row["seeds"], row["precision"]) == ("2", "fp32")
    assert (row["commit"], row["machine"]) == (str(made_by["commit"]), made_by["hardware"])
    assert len(status_table("paper")) > 100
