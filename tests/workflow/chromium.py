"""A page in a real browser without a window and without a network: what is clicked on it, and what it then shows."""

import json
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WHY_NO_CHROMIUM = "no Chromium on this machine: apt-get install chromium"

# After the page's own scripts: `steps` click and look, one after another, and what they return takes the page's place.
DRIVER = """<script>
window.addEventListener("load", () => setTimeout(async () => {
  const pause = () => new Promise(go => setTimeout(go, 200));
  const click = async element => { element.click(); await pause(); };
  const named = (words, text) => [...document.querySelectorAll(words)].find(e => e.textContent.trim() === text);
  let seen;
  try { seen = await (async () => { STEPS })(); } catch (error) { seen = {failed: String(error)}; }
  const address = entry => entry.name.split(":")[0];
  seen.loaded_from = [...new Set(performance.getEntriesByType("resource").map(address))];
  const shown = document.createElement("pre");
  shown.textContent = JSON.stringify(seen);
  document.documentElement.replaceChildren(shown);
}, 500));
</script>"""


def visit(page: Path, steps: str, folder: Path, width: int = 1280) -> dict[str, Any]:
    """Open an HTML file, do the steps (JavaScript that returns an object), and give what they saw.

    `loaded_from` in it are the schemes of everything that the page has loaded, such as `data` or `https`.
    """
    text = page.read_text(encoding="utf-8")
    before, end, after = text.rpartition("</body>")
    driven, program = folder / f"driven-{page.name}", DRIVER.replace("STEPS", steps)
    # A page that names the programs it runs is to run the driver as well, and nothing else.
    inside = program.partition(">")[2].rpartition("</script>")[0]
    digest = b64encode(sha256(inside.encode()).digest()).decode()
    before = before.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    driven.write_text(before + program + end + after, encoding="utf-8")
    words = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}"]
    words += [
        f"--window-size={width},1000",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=60000",
        "--dump-dom",
        driven.as_uri(),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seen = re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)
    assert seen, done.stderr[-2000:]
    return dict(json.loads(unescape(seen[1])))
