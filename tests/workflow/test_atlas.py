"""The atlas in the workflow: what is due, with a mirror and without."""

from flopscape.atlas.tables import TABLES


def test_a_clean_checkout_is_due_every_table_and_the_page(checkout):
    assert checkout.due("atlas") == {"fit_published": len(TABLES), "write_atlas": 1, "atlas": 1}


def test_a_table_is_read_from_the_mirror_which_reaches_it_as_one_word(checkout):
    (checkout.folder / "a folder").mkdir()
    (checkout.folder / "a folder/porian.csv").write_text("n_params,n_tokens,loss\n")
    done = checkout.run("snakemake", "-n", "-p", "atlas", "--config", "studies=tiny", "data_mirror=a folder")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "flopscape atlas porian --mirror 'a folder' --out results/atlas/tables/porian.csv" in said
    assert "input: a folder/porian.csv" in said
