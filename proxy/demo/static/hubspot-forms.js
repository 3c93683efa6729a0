// HubSpot's forms as the demo plays them: on its pages, and through the relay.
(() => {
  let here = document.currentScript, french = document.documentElement.lang == "fr";
  let make = (id, box) => {
    if (box.querySelector("form")) return;
    let form = document.createElement("form"), button = document.createElement("button");
    form.method = "post";
    form.className = "hs-form";
    form.action = "https://forms-eu1.hsforms.com/submissions/v3/" + id;
    for (let [name, label] of french ? [["name", "Votre nom"], ["email", "Votre adresse e-mail"]] : [["name", "Your name"], ["email", "Your e-mail address"]]) {
      let line = form.appendChild(document.createElement("p")), field = document.createElement("input");
      line.append(Object.assign(document.createElement("label"), { textContent: label + " " }));
      field.name = name;
      line.lastChild.append(field);
    }
    button.textContent = french ? "Envoyer" : "Send";
    form.append(button);
    box.append(form);
  };
  window.hbspt = { forms: { create: asked => {
    let at = document.currentScript, box = asked.target && document.querySelector(asked.target);
    if (!box) (at || here).after(box = document.createElement("div"));
    make(asked.formId, box);
  } } };
  let fill = () => document.querySelectorAll(".hs-form-frame").forEach(box => make(box.dataset.formId, box));
  fill();
  addEventListener("DOMContentLoaded", fill);
})();
