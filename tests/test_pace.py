"""When frames are due: as even as the sound's own clock, whatever pieces it comes in."""

import numpy as np
import pytest

from face_emote.motion.live.pace import LONGEST_LAG_SECS, SPARE_SECS, Pace

DELAY_SECS = 0.0725


def played(arrivals, *, fps=50.0, compute_secs=0.0):
    """When each frame is shown, by its number; `arrivals` are instants and lengths of pieces."""
    pace = Pace(fps=fps, delay_secs=DELAY_SECS)
    now, heard, frame, shown = 0.0, 0.0, 0, {}
    for came_at, secs in arrivals:
        now = max(now, came_at)
        if not pace.hears(came_at, secs=secs, frame=frame, now=now):
            continue
        heard += secs
        while frame / fps + DELAY_SECS <= heard + 1e-9:
            now += compute_secs
            due = pace.due(frame)
            if pace.shows(frame, now=max(now, due)):
                now = max(now, due)
                shown[frame] = now
            frame += 1
    return shown


def pieces(secs, *, piece=0.02, began=100.0, rate=1.0):
    """Live sound in equal pieces, by a clock that runs `rate` as fast as ours."""
    count = round(secs / piece)
    return [(began + (i + 1) * piece / rate, piece) for i in range(count)]


@pytest.mark.parametrize("piece", [0.005, 0.02, 0.125])
def test_frames_are_even_and_none_is_left_out_whatever_the_pieces(piece):
    shown = played(pieces(20.0, piece=piece))
    times = np.array(list(shown.values()))
    assert len(shown) == pytest.approx(50 * (20.0 - DELAY_SECS), abs=7)
    np.testing.assert_allclose(np.diff(times), 0.02, atol=1e-6)
    behind = times[0] - 100.0
    assert behind == pytest.approx(DELAY_SECS + piece + SPARE_SECS, abs=1e-6)


@pytest.mark.parametrize("rate", [0.9995, 1.0005])
def test_frames_do_not_drift_from_the_sounds_clock(rate):
    shown = played(pieces(600.0, piece=0.1, rate=rate))
    frames, times = np.array(list(shown)), np.array(list(shown.values()))
    behind = times - (100.0 + frames / 50.0 / rate)
    assert np.ptp(behind) < 0.03 and len(frames) > 0.999 * 50 * 599


def test_sound_that_comes_at_once_is_shown_at_its_own_pace():
    shown = played([(100.0, 0.02)] * 500)
    times = np.array(list(shown.values()))
    assert times[-1] - times[0] == pytest.approx((len(times) - 1) / 50.0, abs=0.2)
    assert np.diff(times).min() > 0.004 and len(times) > 480


def test_frames_that_come_late_are_left_out_and_the_next_ones_are_in_time():
    late = [(came + (0.3 if 105.0 < came < 105.3 else 0.0), secs) for came, secs in pieces(10.0)]
    shown = played(sorted(late))
    before, after = (np.array([t - f / 50.0 for f, t in shown.items() if low < t < high])
                     for low, high in ((103.0, 104.9), (107.0, 110.0)))  # fmt: skip
    assert after.max() == pytest.approx(before.max(), abs=0.01)
    assert 0 < 500 - len(shown) < 40


def test_a_slow_computer_loses_sound_and_never_lags():
    shown = played(pieces(30.0), compute_secs=0.05)
    times = np.array(list(shown.values()))
    assert np.diff(times).max() < 1.5 and times[-1] < 130.0 + LONGEST_LAG_SECS + 0.5


def test_a_source_that_pauses_is_followed_again():
    first, second = pieces(5.0), pieces(5.0, began=108.0)
    shown = played([*first, *second])
    frames, times = np.array(list(shown)), np.array(list(shown.values()))
    behind = times[-50:] - (108.0 + frames[-50:] / 50.0 - 5.0)
    assert behind.max() == pytest.approx(DELAY_SECS + 0.02 + SPARE_SECS, abs=1e-3)
