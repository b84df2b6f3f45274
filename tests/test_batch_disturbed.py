"""Whatever dies, and whenever: started again, a batch ends with the very bytes of an undisturbed one."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from batch_lines import command, contents, environment, run_command, write_line

import face_emote as fe
from face_emote.batch.batch import Place, run_batch
from face_emote.batch.plan import PlanOptions, plan_batch
from face_emote.batch.run import Choice
from face_emote.rendering.video import SEGMENT_FRAMES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="kills processes the POSIX way")]
pytest.importorskip("av")

OPTIONS = ("--size", "48", "--fps", "12", "--outputs", "mp4 npz")
PARTS = 3


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Three short lines, and a long one that is drawn in three parts."""
    folder = tmp_path_factory.mktemp("lines")
    for number in range(3):
        write_line(folder / f"short{number}.wav", 0.7, first=0.5 * number)
    write_line(folder / "long.wav", (PARTS * SEGMENT_FRAMES - 20) / 12.0)
    (folder / "lines.csv").write_text(
        "speech,emotion\nshort0.wav,joy\nshort1.wav,fear\nlong.wav,calm anger\nshort2.wav,auto\n"
    )
    return folder / "lines.csv"


@pytest.fixture(scope="module")
def undisturbed(lines, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = run_command(out.parent, command(lines, out, *OPTIONS, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    found = contents(out)
    assert len(found) == 8
    return found


def started(words, folder):
    return subprocess.Popen(
        words, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition, child, *, secs=300.0):
    """Whether it came true before the child ended."""
    deadline = time.monotonic() + secs
    while time.monotonic() < deadline and child.poll() is None:
        if condition():
            return True
        time.sleep(0.02)
    return False


def workers_of(child):
    """Worker processes of a batch (not the helper that counts semaphores)."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            words = path.joinpath("cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent == child.pid and b"spawn_main" in words:
            found.append(int(path.name))
    return found


def test_a_video_drawn_in_parts_is_the_one_that_render_writes(lines, undisturbed, tmp_path):
    (row,) = [row for row in plan_batch(lines, PlanOptions({"size": "48", "fps": "12"})).rows if row.name == "long"]
    motion = fe.animate(row.speech, emotion="calm anger", fps=12.0)
    assert motion.num_frames > (PARTS - 1) * SEGMENT_FRAMES
    fe.render(motion, tmp_path / "hand.mp4", speech=row.speech, size=48, workers=2)
    # One key signs both: the tests' own, which children inherit.
    assert (tmp_path / "hand.mp4").read_bytes() == undisturbed["long.mp4"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers by /proc")
def test_killed_workers_are_replaced_and_nothing_is_lost(lines, undisturbed, tmp_path):
    child = started(command(lines, tmp_path / "out", *OPTIONS, "--workers", "2"), tmp_path)
    killed = set()
    for _ in range(2):
        assert wait_for(lambda: set(workers_of(child)) - killed, child)
        time.sleep(1.0)
        for worker in set(workers_of(child)) - killed:
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
    _, err = child.communicate(timeout=500)
    assert child.returncode == 0, err
    assert contents(tmp_path / "out") == undisturbed
    assert "killed by SIGKILL" in (tmp_path / "out" / "log.jsonl").read_text()


def test_a_killed_batch_goes_on_where_it_was(lines, undisturbed, tmp_path):
    out = tmp_path / "out"
    words = command(lines, out, *OPTIONS, "--workers", "2")
    moments = (
        lambda: list(out.glob(".work/*/motion.npz")),
        lambda: list(out.glob(".work/*/segment_*")),
        lambda: list(out.glob("*.mp4")),
    )
    for moment in moments:
        child = started(words, tmp_path)
        workers = []
        if wait_for(moment, child):
            workers = workers_of(child)
            child.kill()
        child.communicate(timeout=300)
        deadline = time.monotonic() + 20.0
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers), "workers outlive their batch"
    kept = {name: (out / name).stat().st_mtime_ns for name in contents(out)}
    done = run_command(tmp_path, words)
    assert done.returncode == 0, done.stderr
    assert contents(out) == undisturbed
    assert all((out / name).stat().st_mtime_ns == changed for name, changed in kept.items())


def test_a_row_whose_workers_always_die_fails_alone(lines, tmp_path):
    (tmp_path / "lines.csv").write_text("speech\nbad.wav\ngood.wav\n")
    for name in ("bad", "good"):
        shutil.copy(lines.parent / "short0.wav", tmp_path / f"{name}.wav")
    plan = plan_batch(tmp_path / "lines.csv", PlanOptions({"size": "48", "fps": "4", "outputs": "npz"}))
    from face_emote.batch import pool
    from face_emote.batch.executor import Lost

    happened = []
    real = pool.ProcessPool.events

    def events(self, timeout_secs):
        found = real(self, timeout_secs)
        return [Lost(item.task, "the worker died") if item.task.row.name == "bad" else item for item in found]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool.ProcessPool, "events", events)
        outcome = run_batch(
            plan,
            tmp_path / "out",
            place=Place(workers=1),
            choice=Choice(),
            watch=lambda item: happened.append(item.kind),
        )
    assert outcome.done == 1 and outcome.failures == {"bad": "the worker died; tried 3 times"}
    assert happened.count("retried") == 2


def can_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None


@pytest.mark.skipif(not can_mount(), reason="needs root to mount a small disk")
def test_a_full_disk_is_told_and_what_was_done_stays(lines, undisturbed, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine does not allow mounts")
    try:
        words = command(lines, disk / "out", *OPTIONS, "--workers", "1")
        done = run_command(tmp_path, words)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "No space left on device" in done.stderr or "disk is full" in done.stderr
        for name, data in contents(disk / "out").items():
            assert data == undisturbed[name]
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        done = run_command(tmp_path, words)
        assert done.returncode == 0, done.stderr
        assert contents(disk / "out") == undisturbed
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


CLUSTER = """
    import os, subprocess, sys, time
    from pathlib import Path
    from ray.cluster_utils import Cluster

    out, words, kill = Path(sys.argv[1]), sys.argv[3:], sys.argv[2] == "kill"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    batch = subprocess.Popen([*words, "--cluster", cluster.address])
    if kill:
        while batch.poll() is None and not list(out.glob(".work/*/motion.npz")):
            time.sleep(0.05)
        time.sleep(1.0)
        cluster.remove_node(second, allow_graceful=False)
    code = batch.wait()
    cluster.shutdown()
    sys.exit(code)
"""


@pytest.mark.parametrize(("disturbance", "files"), [("kill", "--shared"), ("none", "--no-shared")])
def test_a_cluster_of_two_nodes_gives_the_same_and_survives_the_loss_of_one(
    lines, undisturbed, tmp_path, disturbance, files
):
    pytest.importorskip("ray")
    words = command(lines, tmp_path / "out", *OPTIONS, files)
    script = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(CLUSTER), str(tmp_path / "out"), disturbance]
    done = run_command(tmp_path, [*script, *words])
    assert done.returncode == 0, done.stderr[-2000:]
    assert contents(tmp_path / "out") == undisturbed
    log = (tmp_path / "out" / "log.jsonl").read_text()
    assert "a cluster of 2 machines with 2 processors" in log
    if disturbance == "kill":
        assert "the worker or its machine died" in log
