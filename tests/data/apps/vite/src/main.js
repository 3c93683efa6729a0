import posthog from "posthog-js";
import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import App from "./App.vue";
import Home from "./Home.vue";
import Booking from "./Booking.vue";

posthog.init("phc_of_the_test", { api_host: "https://eu.i.posthog.com" });
const routes = [{ path: "/", component: Home }, { path: "/booking", component: Booking }];
createApp(App).use(createRouter({ history: createWebHistory(), routes })).mount("#app");
