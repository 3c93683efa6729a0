"""A members' area with Flask-Login and Flask-WTF: the session holds the CSRF token, a cookie remembers."""

import os

from flask import Flask, flash, redirect, render_template_string, request, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from flask_wtf.file import FileField
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired

LAYOUT = """<!doctype html><html lang="en"><head><title>Members</title>
<meta name="csrf-token" content="{{ csrf_token() }}">
<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());gtag('config','G-1');</script>
</head><body><nav><a href="/">Home</a> <a href="/members">Members</a></nav>
{% for message in get_flashed_messages() %}<p role="status">{{ message }}</p>{% endfor %}
BODY</body></html>"""
HOME = "<h1>{{ 'Hello ' + current_user.id if current_user.is_authenticated else 'Nobody is signed in' }}</h1>"
LOGIN = """<h1>Sign in</h1><form method="post">{{ form.hidden_tag() }}
<p>{{ form.name.label }} {{ form.name }}<p>{{ form.password.label }} {{ form.password }}
<p>{{ form.remember }} {{ form.remember.label }}<p><button>Enter</button></form>"""
MEMBERS = """<h1>Members</h1><form method="post" enctype="multipart/form-data">{{ form.hidden_tag() }}
<p>{{ form.picture.label }} {{ form.picture }}<p><button>Upload</button></form>
<button id="count">Count</button><output id="counted"></output>
<a href="/out">Sign out</a>
<script>
document.getElementById("count").onclick = async () => {
  const token = document.querySelector("meta[name=csrf-token]").content;
  const response = await fetch("/count", { method: "POST", headers: { "X-CSRFToken": token } });
  document.getElementById("counted").textContent = await response.text();
};
</script>"""


class Member(UserMixin):
    def __init__(self, name: str) -> None:
        self.id = name


class SignIn(FlaskForm):
    name = StringField("Name", [DataRequired()])
    password = PasswordField("Password", [DataRequired()])
    remember = BooleanField("Remember me")


class Upload(FlaskForm):
    picture = FileField("Picture")


app = Flask(__name__)
app.config["SECRET_KEY"] = "a key of the test's own"
app.wsgi_app = ProxyFix(app.wsgi_app)
CSRFProtect(app)
manager = LoginManager(app)
manager.login_view = "sign_in"
manager.user_loader(Member)


def page(body: str, **names) -> str:
    return render_template_string(LAYOUT.replace("BODY", body), **names)


@app.before_request
def over_tls() -> None:
    request.environ["wsgi.url_scheme"] = os.environ.get("SCHEME", "https")


@app.get("/")
def home():
    return page(HOME)


@app.route("/login", methods=["GET", "POST"])
def sign_in():
    form = SignIn()
    if form.validate_on_submit() and form.password.data == "open sesame":
        login_user(Member(form.name.data), remember=form.remember.data)
        flash("You are signed in")
        return redirect(url_for("members"))
    return page(LOGIN, form=form)


@app.route("/members", methods=["GET", "POST"])
@login_required
def members():
    form = Upload()
    if form.validate_on_submit():
        flash(f"{len(form.picture.data.read())} bytes arrived")
    return page(MEMBERS, form=form)


@app.post("/count")
@login_required
def count():
    return f"counted for {current_user.id}"


@app.get("/out")
def out():
    logout_user()
    return redirect("/")
