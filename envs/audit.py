"""Look the installed packages up among known vulnerabilities, where a network allows; part of `make check`.

    python envs/audit.py

The status is 1 where one is known. Without an answer for any package the audit is skipped, with the reason.
"""

import json
import subprocess
import sys

COMMAND = ["pip-audit", "--local", "--skip-editable", "--progress-spinner", "off", "--format", "json"]


def audit() -> tuple[int, str]:
    """Exit status, and what to print."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = next(reversed(done.stderr.strip().splitlines()), "pip-audit said nothing")
        return 0, f"audit skipped: {reason}"
    return judge(packages)


def judge(packages: list[dict]) -> tuple[int, str]:
    """The same from pip-audit's list: each package with `vulns`, or a `skip_reason`."""
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return 0, f"audit skipped: {skipped[0] if skipped else 'no packages'}"
    known = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]
    n_judged = len(packages) - len(skipped)
    summary = f"audit: {len(known)} known vulnerabilities in {n_judged} packages"
    return int(bool(known)), "\n".join([*known, f"{summary}; {len(skipped)} could not be audited"])


if __name__ == "__main__":
    status, text = audit()
    print(text)
    sys.exit(status)
