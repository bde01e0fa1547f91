// Asks before a hostname is removed.
import { announce, byId, show } from "./dom.js";

/** Calls `remove` with the hostname that the person confirmed; `done` when it is gone. */
export function removalDialog({ remove, done }) {
  const dialog = byId("removal");
  const yes = byId("removal-yes");
  let asked;

  byId("removal-no").addEventListener("click", () => dialog.close());
  yes.addEventListener("click", async () => {
    if (yes.getAttribute("aria-disabled")) return;
    yes.setAttribute("aria-disabled", "true");
    show("removal-error", "");
    try {
      await remove(asked);
    } catch (problem) {
      show("removal-error", `${problem.message} Nothing was removed; try again.`);
      return;
    } finally {
      yes.removeAttribute("aria-disabled");
    }
    dialog.close();
    announce(`${asked.unicode_name || asked.name} is removed.`);
    done(asked);
  });

  return (hostname) => {
    asked = hostname;
    const name = hostname.unicode_name || hostname.name;
    byId("removal-heading").textContent = `Remove ${name}?`;
    byId("removal-text").textContent =
      hostname.state === "active"
        ? "Within half a minute nothing is served under this name any more. What lies in your repositories stays."
        : "Its DNS records are no longer looked for. You can add it again, with new records.";
    show("removal-error", "");
    dialog.showModal();
  };
}
