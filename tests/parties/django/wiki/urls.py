"""The wiki's one page, and the paths that log people in and out."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import include, path

urlpatterns = [
    path("", lambda request: render(request, "page.html")),
    path("health", lambda _: HttpResponse("well")),
    path("oidc/", include("mozilla_django_oidc.urls")),
]
