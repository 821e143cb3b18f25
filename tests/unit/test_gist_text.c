/* Sentences: where they end in ten languages, and which may stand in a summary. */
#include "gist_split.h"

#include <stdlib.h>

#include "line/limits.h"

static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *lang, *in, *want;
    } cases[] = {
        {"en", "It rained. We left.", "It rained.|We left."},
        {"en", "Dr. Smith met Mr. Jones. They talked.", "Dr. Smith met Mr. Jones.|They talked."},
        {"en", "The U.S. Senate voted. It failed.", "The U.S. Senate voted.|It failed."},
        {"en", "J. R. R. Tolkien wrote it. It sold.", "J. R. R. Tolkien wrote it.|It sold."},
        {"en", "See fig. 3 and No. 7 there. He said no. Then he left.", "See fig. 3 and No. 7 there.|He said no.|Then he left."},
        {"en", "Version 3.11 is out. Python 2.7 is not.", "Version 3.11 is out.|Python 2.7 is not."},
        {"en", "\"Is it true?\" she asked. \"Yes!\" He nodded.", "\"Is it true?\" she asked.|\"Yes!\"|He nodded."},
        {"en", "Wait... What? No.", "Wait...|What?|No."},
        {"de", "Am 3. Oktober kam Dr. Meier. Er blieb.", "Am 3. Oktober kam Dr. Meier.|Er blieb."},
        {"de", "Im 19. Jahrhundert, d. h. spät, kam z. B. Dampf. Das war 1850. Dann nicht.",
         "Im 19. Jahrhundert, d. h. spät, kam z. B. Dampf.|Das war 1850.|Dann nicht."},
        {"de", "Vgl. Nr. 5 und Abs. 2 dazu. Ende.", "Vgl. Nr. 5 und Abs. 2 dazu.|Ende."},
        {"fr", "M. Dupont et Mme. Leroy sont là. Ils parlent.", "M. Dupont et Mme. Leroy sont là.|Ils parlent."},
        {"es", "El Sr. García llegó. ¿Quién más? ¡Nadie!", "El Sr. García llegó.|¿Quién más?|¡Nadie!"},
        {"it", "Il dott. Rossi è qui. Parla.", "Il dott. Rossi è qui.|Parla."},
        {"pt", "O Sr. Silva chegou. Ele falou.", "O Sr. Silva chegou.|Ele falou."},
        {"ru", "Он родился в 1900 г. Москва росла. Проф. Иванов ушёл.", "Он родился в 1900 г. Москва росла.|Проф. Иванов ушёл."},
        {"uk", "Проф. Шевченко приїхав. Усі раді.", "Проф. Шевченко приїхав.|Усі раді."},
        {"zh", "今天下雨了。我们离开了！真的吗？", "今天下雨了。|我们离开了！|真的吗？"},
        {"ja", "今日は雨です。行きません。", "今日は雨です。|行きません。"},
        {"", "It rained. We left.", "It rained.|We left."},
        {"xx", "It rained. We left.", "It rained.|We left."},
        {"en", "One block\n\nAnother. Block", "One block|Another.|Block"},
        {"en", "Heading\nA sentence. And one", "Heading|A sentence.|And one"},
        {"en", "This line is long enough that it was broken by a\nprogram to fit. The next is not.",
         "This line is long enough that it was broken by a program to fit.|The next is not."},
        {"en", "Many   blanks\tand\r\n\r\n\r\nlines.", "Many blanks and|lines."},
        {"en", "", ""},
        {"en", " \n \t\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = split(cases[i].lang, cases[i].in, false);
        if (strcmp(got, cases[i].want) != 0) fail_msg("%s: %s\n got %s\nwant %s", cases[i].lang, cases[i].in, got, cases[i].want);
        free(got);
    }
}

static void test_what_may_be_picked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *in, *want;
    } cases[] = {
        {"prose", "The council decided to build a tram line.", "The council decided to build a tram line."},
        {"heading", "History of the council\n\nThe council decided to build a line.", "The council decided to build a line."},
        {"list", "The plan is good for all.\n\n- Build a new tram line soon.\n- Close the old tram line.\n\n1. Take the first step today.",
         "The plan is good for all."},
        {"caption", "Figure 3: The new tram line of the city.\n\nThe new tram line is open now.", "The new tram line is open now."},
        {"foto", "Foto: Max Mustermann von der Zeitung.\n\nDie neue Linie ist heute offen.", "Die neue Linie ist heute offen."},
        {"code", "The function is defined like this here.\n\nint main(void) { return x[0] == y->z; } // The end.",
         "The function is defined like this here."},
        {"table", "Numbers follow in this table now.\n\n1990 12.5 17.8 20.1 3.\n1991 13.5 18.8 21.1 4.",
         "Numbers follow in this table now."},
        {"cells", "Some text stands above the table.\n\nName | City | Country of the member.", "Some text stands above the table."},
        {"too short", "Yes. No. It was a very long day for them.", "It was a very long day for them."},
        {"fragment", "and so it went on for many days. It was a very long day.", "It was a very long day."},
        {"leads to a list", "The following cities have one:\n\nAll of them have one today.", "All of them have one today."},
        {"quote", "\"We will build the tram line,\" she said (in English).", "\"We will build the tram line,\" she said (in English)."},
        {"reference mark", "The tram line was built in this year.[12][5] It is long and it is new.[3]",
         "The tram line was built in this year.|It is long and it is new."},
        {"chinese", "今天市政府决定修建一条新的电车线路。", "今天市政府决定修建一条新的电车线路。"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = split("en", cases[i].in, true);
        if (strcmp(got, cases[i].want) != 0) fail_msg("%s:\n got %s\nwant %s", cases[i].name, got, cases[i].want);
        free(got);
    }
}

static void test_languages_are_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *want, *in;
    } cases[] = {
        {"en", "The council of the city decided that it would build a new line for the people."},
        {"de", "Der Rat der Stadt hat beschlossen, dass eine neue Linie für die Menschen gebaut wird."},
        {"fr", "Le conseil de la ville a décidé qu'une nouvelle ligne serait construite pour les habitants."},
        {"es", "El consejo de la ciudad decidió que se construirá una nueva línea para los vecinos."},
        {"it", "Il consiglio della città ha deciso che una nuova linea sarà costruita per gli abitanti."},
        {"pt", "O conselho da cidade decidiu que uma nova linha não será construída para os moradores."},
        {"nl", "De raad van de stad heeft besloten dat er een nieuwe lijn voor de mensen wordt gebouwd."},
        {"ru", "Совет города решил, что новая линия будет построена для жителей, и это не всё."},
        {"uk", "Рада міста вирішила, що нова лінія буде побудована для мешканців, і це ще не все."},
        {"zh", "市议会决定为居民修建一条新线路。"},
        {"ja", "市議会は住民のために新しい路線を建設することを決めました。"},
        {"ko", "시의회는 주민을 위해 새 노선을 건설하기로 결정했다."},
        {"", "12345 67890"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(gist_langs_guess(langs, cases[i].in, strlen(cases[i].in))->code, cases[i].want);
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *tag, *want;
    } cases[] = {{"de", "de"}, {"de-AT", "de"}, {"DE_ch", "de"}, {"zh-Hant-TW", "zh"}, {"nb", "no"},
                 {"tlh", ""},  {"", ""},        {"d", ""},       {"deutsch", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(gist_langs_find(langs, cases[i].tag)->code, cases[i].want);
    assert_string_equal(gist_langs_find(langs, NULL)->code, "");
}

/* Whatever comes: sentences lie within the text, in order, and do not overlap. */
static void test_any_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"word ", "Word", ". ", "\n", "\n\n", "Dr. ", "。", "\xf0\x9f\x98\x80",
                                         "3. ",   "- ",   "\"", "\t", "é",    "ﷺ",    "|"};
    struct buf in = BUF_INIT(LIMIT_TEXT + 100);
    unsigned seed = 1;
    for (int round = 0; round < 300; round++) {
        buf_reset(&in);
        for (int k = 0; k < 200; k++) {
            seed = seed * 1103515245u + 12345u;
            buf_add_str(&in, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        gist_text_split(&text, gist_langs_find(langs, round % 2 ? "de" : "en"), in.data, in.len, NULL);
        size_t last = 0;
        for (size_t i = 0; i < text.count; i++) {
            assert_true(text.items[i].start >= last && text.items[i].start < text.items[i].end);
            last = text.items[i].end;
            assert_true(text.items[i].block < text.block_count);
        }
        assert_true(last <= text.clean.len);
    }
    buf_reset(&in);
    while (in.len < LIMIT_TEXT + 50) buf_add_str(&in, "ä");
    gist_text_split(&text, gist_langs_find(langs, "de"), in.data, in.len, NULL);
    assert_true(text.clean.len <= LIMIT_TEXT + 1); /* and the line's end */
    buf_release(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ends), cmocka_unit_test(test_what_may_be_picked),
                                       cmocka_unit_test(test_languages_are_guessed), cmocka_unit_test(test_tags),
                                       cmocka_unit_test(test_any_text)};
    return cmocka_run_group_tests(tests, begin, end);
}
