"""Where the cache is."""

import platformdirs

from dlbasics._internal.cache import cache_folder


def test_the_cache_is_where_dlbasics_cache_says_or_in_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path))
    assert cache_folder("mnist") == tmp_path / "mnist"
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    monkeypatch.setenv("DLBASICS_CACHE", "~/cache")
    assert cache_folder("digits") == tmp_path / "cache" / "digits"
    monkeypatch.delenv("DLBASICS_CACHE")
    expected = platformdirs.user_cache_path("dlbasics", appauthor=False) / "mnist"
    assert cache_folder("mnist") == expected
