/** Beats at the pace that it is told. */

addEventListener("message", (event: MessageEvent<number>) => {
  setInterval(() => postMessage(null), event.data);
});
