import mapboxgl from "mapbox-gl";
mapboxgl.accessToken = "pk.eyJ1IjoiYWJjIiwiYSI6ImNsYWJjIn0.abcdefghijklmnop";
document.body.insertAdjacentHTML("beforeend", '<div id=map style="width:300px;height:200px"></div>');
new mapboxgl.Map({ container: "map", style: { version: 8, sources: { s: { type: "vector", url: "mapbox://mapbox.mapbox-streets-v8" } }, layers: [{ id: "b", type: "background" }] } });
