/* Stock phrases; contract in phrases.h. */
#include "parser/extract/phrases.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The whole line, signs at its end aside. */
static const char *const whole[] = {
    "advertisement", "advertisements", "advert", "ad", "ads", "anzeige", "werbung", "publicité", "publicidad", "reklama", "iklan", "sponsored",
    "comment", "comments", "comments are closed", "leave a comment", "leave a reply", "kommentare", "kommentar", "0 comments", "no comments",
    "share", "share this", "share this article", "share this story", "share on facebook", "tweet", "teilen", "print", "email", "e-mail", "drucken",
    "related", "related articles", "related stories", "related posts", "related tags", "related topics", "related content", "related links",
    "read more", "read next", "read also", "more", "mehr", "weiterlesen", "mehr lesen", "see also", "continue reading", "don't miss", "more on this story",
    "recommended", "most popular", "trending", "tags", "tag", "categories", "topics", "themen", "schlagworte", "subscribe", "sign up", "log in", "login",
    "newsletter", "follow us", "close", "video", "photo", "photos", "gallery", "image", "loading", "menu", "home", "search", "suche", "top", "back to top",
    "nach oben", "zurück", "weiter", "next", "previous", "story continues below", "article continues below", "story continues below advertisement",
    "view comments", "show comments", "hide caption", "toggle caption", "enlarge this image", "copy link", "save", "report", "reply", "edit",
    "about the author", "über den autor", "mehr zum thema", "auch interessant", "lesen sie auch", "das könnte sie auch interessieren",
    "you may also like", "you might also like", "latest news", "breaking news", "editor's picks", "play video", "watch", "listen", "promoted",
};

/* How the line begins. */
static const char *const starts[] = {
    "copyright ", "©", "(c) ", "all rights reserved", "alle rechte vorbehalten", "read more:", "read also:", "read next:", "also read:", "see also:",
    "related:", "lesen sie auch:", "lesen sie auch ", "lesen sie mehr", "mehr zum thema", "weiterlesen:", "foto:", "photo:", "image:", "bild:", "fotos:", "photos:",
    "photo by ", "photo credit", "image credit", "image source", "getty images", "share this ", "sign up for ", "subscribe to ", "follow us ", "like us on ",
    "tags:", "tag:", "filed under", "posted in", "posted by", "published:", "published on ", "updated:", "last updated", "first published",
    "veröffentlicht am", "stand:", "aktualisiert:", "like this story?", "click here to ", "download our app", "get the app", "related tags", "related roundup",
    "category:", "categories:", "kategorie:", "kategorien:", "schlagwörter:", "schlagworte:", "comments (", "kommentare (", "source:", "quelle:", "via:",
};

/* Anywhere in the line: whose picture it is. */
static const char *const parts[] = {
    "(image:", "(photo", "(foto", "(bild:", "(credit", "(getty", "getty images", "/getty", "(ap photo", "/afp", "/reuters", "shutterstock", "istock", "(imago", "imago/",
    "picture alliance", "adobe stock", "adobestock", "pixabay", "unsplash", "all rights reserved", "alle rechte vorbehalten",
};

static bool starts_with(struct span s, const char *prefix)
{
    return span_starts(s, prefix);
}

bool phrase_is_stock(struct span s)
{
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (starts_with(s, starts[i])) return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (span_has(s, parts[i])) return true;
    while (s.n && strchr(".:!…?>»-| ", s.p[s.n - 1])) s.n--;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (span_is(s, whole[i])) return true;
    return false;
}
