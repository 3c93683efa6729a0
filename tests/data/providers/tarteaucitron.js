const script = document.createElement("script");
script.src = "/npm/tarteaucitronjs/tarteaucitron.js";
script.onload = () => {
  tarteaucitron.init({ privacyUrl: "", orientation: "bottom", showAlertSmall: false, cookieslist: true });
  tarteaucitron.job = ["gtag"];
  setTimeout(() => tarteaucitron.userInterface.respondAll(true), 2500);
};
document.body.append(script);
