// The camera's picture with its controls, or why there is none.
import { camera } from "../camera.js";
import { button, iconButton } from "../dialogs.js";
import { fill, h, icon, inApp, show } from "../dom.js";
import { t } from "../messages.js";
import { on } from "../store.js";

/** A place for the camera's picture. more: further controls; off: what is offered while the camera is off. */
export function stage(signal, { compact = false, more = [], off = [] } = {}) {
  const view = h("div.view"), placeholder = h("div.placeholder", { role: "status" });
  const flip = iconButton("flip", t("camera.flip"), () => camera.flip());
  const close = iconButton("camera-off", t("camera.off"), () => camera.close());
  const controls = h("div.view-controls", flip, close, more);
  const element = h(`div.stage${compact ? ".compact" : ""}`, view, placeholder, controls);
  const update = () => {
    show(view, camera.isOn);
    show(placeholder, !camera.isOn);
    show(controls, camera.isOn);
    show(flip, camera.count > 1);
    if (camera.isOn) camera.show(view);
    else fill(placeholder, ...words(off));
  };
  on(camera, "change", update, signal);
  element.update = update;
  update();
  return element;
}

function words(off) {
  const { status } = camera;
  if (status === "asking") return [h("span.spinner"), h("p", t("camera.asking"))];
  const trouble = status !== "off", help = inApp && status === "refused" ? "camera.refusedInApp" : `camera.${status}Help`;
  return [
    icon(trouble ? "camera-off" : "camera"),
    trouble && h("p", h("strong", t(`camera.${status}`)), " ", t(help)),
    button(t(trouble ? "camera.again" : "camera.on"), { symbol: "camera", kind: trouble ? "" : "primary", onclick: () => camera.open() }),
    off,
  ];
}
