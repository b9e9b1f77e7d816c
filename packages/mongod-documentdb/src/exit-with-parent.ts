const LOOK_EVERY_MS = 250;

/**
 * Calls `onGone` once, when this process has another parent than at first: the old one has ended, in whatever way.
 * Looking costs one system call. The kernel's own signal (PR_SET_PDEATHSIG) is no help here: it also comes when only
 * the thread ends that started this process, as test runners' worker threads do.
 *
 * @param parent the process that must be the parent, for callers that may end before this process has looked once;
 *   `true` takes whichever it is now
 */
export function watchParent(parent: number | true, onGone: () => void): void {
  const expected = parent === true ? process.ppid : parent;
  const timer = setInterval(() => {
    if (process.ppid === expected) return;
    clearInterval(timer);
    onGone();
  }, LOOK_EVERY_MS);
  timer.unref();
}
