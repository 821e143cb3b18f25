/* The preset `wiki`. */
#include "test.h"

#include <string.h>

#include "line/url.h"
#include "writer/wiki.h"

static void left_out(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://en.wikipedia.org/wiki/File:A.png",
        "https://en.wikipedia.org/wiki/file:A.png",
        "https://en.wikipedia.org/wiki/File%3AA.png",
        "https://en.wikipedia.org/wiki/Special:Random",
        "https://en.wikipedia.org/wiki/Talk:Bridge",
        "https://en.wikipedia.org/wiki/User:Ann/Notes",
        "https://en.wikipedia.org/wiki/User_talk:Ann",
        "https://en.wikipedia.org/wiki/User%20talk:Ann",
        "https://en.wikipedia.org/wiki/_User__talk_:Ann",
        "https://en.wikipedia.org/wiki/Wikipedia_talk:Help",
        "https://en.wikipedia.org/wiki/Category_talk:Bridges",
        "https://en.wikipedia.org/wiki/Portal_talk:Art",
        "https://en.wikipedia.org/wiki/Template:Infobox",
        "https://en.wikipedia.org/wiki/Module:String",
        "https://en.wikipedia.org/wiki/MediaWiki:Common.css",
        "https://en.wikipedia.org/wiki/Media:A.ogg",
        "https://en.wikipedia.org/w/index.php?title=Special:Search&search=x",
        "https://en.wikipedia.org/w/index.php?title=Special%3ASearch",
        "https://en.wikipedia.org/w/index.php/Talk:Bridge",
        "https://en.wikipedia.org/w/index.php?title=Bridge&action=edit",
        "https://en.wikipedia.org/w/index.php?title=Bridge&action=edit&section=2",
        "https://en.wikipedia.org/w/index.php?action=history&title=Bridge",
        "https://en.wikipedia.org/w/index.php?title=Bridge&action=%65dit",
        "https://en.wikipedia.org/w/index.php?title=Bridge&oldid=123",
        "https://en.wikipedia.org/w/index.php?title=Bridge&diff=prev&oldid=123",
        "https://en.wikipedia.org/wiki/Bridge?veaction=edit",
        "https://en.wikipedia.org/w/index.php?title=No_such&redlink=1",
        "https://en.wikipedia.org/w/index.php?title=Bridge&printable=yes",
        "https://de.wikipedia.org/wiki/Datei:A.png",
        "https://de.wikipedia.org/wiki/Spezial:Zuf%C3%A4llige_Seite",
        "https://de.wikipedia.org/wiki/Diskussion:Br%C3%BCcke",
        "https://de.wikipedia.org/wiki/Benutzerin:Ann",
        "https://de.wikipedia.org/wiki/Wikipedia_Diskussion:Hilfe",
        "https://fr.wikipedia.org/wiki/Sp%C3%A9cial:Page_au_hasard",
        "https://fr.wikipedia.org/wiki/SP%C3%89CIAL:Page_au_hasard",
        "https://fr.wikipedia.org/wiki/Discussion_utilisateur:Ann",
        "https://ru.wikipedia.org/wiki/%D0%A1%D0%BB%D1%83%D0%B6%D0%B5%D0%B1%D0%BD%D0%B0%D1%8F:Random",
        "https://ru.wikipedia.org/wiki/%D0%9E%D0%B1%D1%81%D1%83%D0%B6%D0%B4%D0%B5%D0%BD%D0%B8%D0%B5_%D0%92%D0%B8%D0%BA%D0%B8%D0%BF%D0%B5%D0%B4%D0%B8%D0%B8:A",
        "https://ja.wikipedia.org/wiki/%E7%89%B9%E5%88%A5:Random",
        "https://zh.wikipedia.org/wiki/Special:%E9%9A%8F%E6%9C%BA%E9%A1%B5%E9%9D%A2",
        "https://es.wikipedia.org/wiki/Discusi%C3%B3n:Puente",
        "https://pl.wikipedia.org/wiki/Plik:A.png",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char why[200] = "";
        struct url url;
        assert_int_equal(url_parse(urls[i], &url), URL_OK);
        if (!wiki_leaves_out(url.text, why, sizeof why)) fail_msg("%s is kept", urls[i]);
        assert_true(why[0]);
    }
}

static void kept(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://en.wikipedia.org/wiki/Bridge",
        "https://en.wikipedia.org/wiki/Talk",
        "https://en.wikipedia.org/wiki/Star_Trek:_First_Contact",
        "https://en.wikipedia.org/wiki/File_system",
        "https://en.wikipedia.org/wiki/2001:_A_Space_Odyssey",
        "https://en.wikipedia.org/wiki/Category:Bridges",
        "https://en.wikipedia.org/wiki/Help:Contents",
        "https://en.wikipedia.org/wiki/Portal:Art",
        "https://en.wikipedia.org/wiki/Wikipedia:About",
        "https://en.wikipedia.org/w/index.php?title=Bridge",
        "https://en.wikipedia.org/w/index.php?title=Bridge&action=view",
        "https://en.wikipedia.org/w/index.php?title=Bridge&action=",
        "https://en.wikipedia.org/w/index.php?curid=77",
        "https://en.wikipedia.org/w/index.php?title=File_system",
        "https://en.wikipedia.org/",
        "https://en.wikipedia.org/wiki/:",
        "https://en.wikipedia.org/wiki/%00%FF:",
        "https://special:80/talk",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char why[200] = "";
        struct url url;
        assert_int_equal(url_parse(urls[i], &url), URL_OK);
        if (wiki_leaves_out(url.text, why, sizeof why)) fail_msg("%s is left out: %s", urls[i], why);
    }
}

static void names_are_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < wiki_name_count; i++) assert_true(strcmp(wiki_names[i - 1], wiki_names[i]) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(left_out), cmocka_unit_test(kept), cmocka_unit_test(names_are_sorted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
