/* Where sentences end in the ten languages that are promised: abbreviations, initials, numbers, quotes, ellipses, and what
 * looks like an end of one and is none. */
#include "gist_split.h"

#include <stdlib.h>

/* A bar stands where a sentence ends and another begins; what goes in has a blank there (or nothing, without blanks). */
static void check(const char *lang, const char *const *cases, size_t count, const char *between)
{
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        struct buf in = BUF_INIT(10000);
        for (const char *p = cases[i]; *p; p++) {
            if (*p == '|')
                buf_add_str(&in, between);
            else
                buf_add_char(&in, *p);
        }
        char *got = split(lang, buf_str(&in), false);
        if (strcmp(got, cases[i]) != 0) {
            print_error("%s\n got %s\nwant %s\n", lang, got, cases[i]);
            bad++;
        }
        buf_release(&in);
        free(got);
    }
    if (bad) fail_msg("%zu of %zu wrong", bad, count);
}

#define CHECK(lang, between, ...)                                                                                                          \
    do {                                                                                                                                   \
        static const char *const cases[] = {__VA_ARGS__};                                                                                  \
        check(lang, cases, sizeof cases / sizeof *cases, between);                                                                         \
    } while (0)

static void test_english(void **state)
{
    (void)state;
    CHECK("en", " ", "Dr. Smith and Mrs. Jones met Prof. Brown on St. John's Ave. near Mt. Hood.|They talked.",
          "Gen. Lee, Sen. Warren, Gov. Brown and Rep. Smith came.|All of them left.",
          "The U.S. Army and the U.K. government agreed.|So did others.", "George W. Bush met J. K. Rowling.|She smiled.",
          "He came at 5 p.m. on Monday.|She left at 6 a.m. the next day.", "He came at 5 p.m.|She left.",
          "Prices rose 3.5 percent to $4.20 a gallon.|Wages fell.", "The book (cf. vol. 2, pp. 3-5) is long.|It is good.",
          "Use e.g. water, i.e. no oil.|Then stir.", "\"It works,\" he said.|\"I know.\"|She left.", "\u201cIt works.\u201d|She left.",
          "\u201cWill it work?\u201d she asked.|He nodded.", "He waited\u2026 and waited.|Then he left.", "He waited...|Then he left.",
          "Apple Inc. makes phones.|It sells them.", "Ford Motor Co. lost money.|It closed a plant.",
          "Martin Luther King Jr. spoke.|They listened.", "Visit example.com or www.example.org for more.|It is free.",
          "It was Jan. 5, not Feb. 6.|Nobody came.", "He ran (fast!) home.|She walked.", "What?!|No.",
          "Is it No. 1 or no. 2?|I say no.|He agrees.", "The bill passed 52-48 in Washington, D.C. on Friday.|It is law.",
          "Smith et al. found it.|Others did not.", "Ph.D. students read.|Others write.", "She lives in the U.S.|He lives in France.",
          "Yahoo! is a company.|It is old.");
}

static void test_german(void **state)
{
    (void)state;
    CHECK("de", " ", "Dr. Müller und Prof. Dr. Schmidt trafen Hr. Meier.|Sie sprachen.",
          "Das gilt z. B. für Wien, d. h. für alle.|Auch hier.", "Das gilt z.B. für Wien, d.h. für alle.|Auch hier.",
          "Am 3. Oktober 1990 um 12.30 Uhr war es so weit.|Dann kam der 4. Oktober.",
          "Im 19. Jahrhundert lebte Ludwig II. von Bayern.|Er baute.",
          "Es kostet 1.250,50 Euro, ca. 3,5 Mio. Euro insgesamt.|Das ist viel.", "Er sagte: „Das geht.“|Sie ging.",
          "„Geht das?“, fragte er.|Sie nickte.", "Er wartete …|Dann ging er.", "Er wartete...|Dann ging er.",
          "Die Müller GmbH & Co. KG wächst.|Sie baut.", "J. W. v. Goethe schrieb viel.|Er lebte lang.",
          "Das Tier wird bis zu 1,75 m groß.|Es frisst Gras.", "Äpfel, Birnen usw. wachsen hier.|Auch Nüsse.",
          "Vgl. Abs. 2 Nr. 5 und S. 12 ff. dazu.|Das reicht.", "Er kam 1999.|Sie kam 2001.",
          "Die sog. Linie wurde bzw. wird gebaut.|Sie kostet.", "Das Werk (geb. 1850, gest. 1920) blieb.|Es steht.",
          "Es liegt ca. 5 km nördl. von Graz.|Es ist klein.", "Gem. § 5 Abs. 1 StGB gilt das.|Mehr nicht.");
}

static void test_french(void **state)
{
    (void)state;
    CHECK("fr", " ", "M. Dupont et Mme Leroy ont vu le Dr. Martin.|Ils parlent.", "MM. Durand et Petit arrivent.|Ils partent.",
          "« C'est vrai », dit-il.|Elle sourit.", "« Est-ce vrai ? » demanda-t-elle.|Il rit.", "Il attend…|Puis il part.",
          "Il coûte 1 250,50 euros, soit 3,5 %.|C'est cher.", "J.-P. Sartre et A. Camus écrivent.|Ils vivent.",
          "Voir p. 12 et fig. 3 du livre.|C'est clair.", "Le S.N.C.F. roule.|Il est tard.", "Est-ce vrai ?|Oui !|Non.",
          "Elle vit av. J.-C. à Rome.|Elle écrit.", "Mgr. Blanc bénit St. Pierre.|On chante.",
          "Cf. chap. 3 et art. 5 du code.|C'est tout.");
}

static void test_spanish(void **state)
{
    (void)state;
    CHECK("es", " ", "El Sr. García y la Sra. López vieron al Dr. Ruiz.|Hablaron.", "¿Quién viene?|¡Nadie!|Vale.",
          "«Es verdad», dijo.|Ella rió.", "Cuesta 1.250,50 euros, el 3,5 %.|Es caro.", "J. L. Borges escribió mucho.|Vivió lejos.",
          "Espera…|Luego sale.", "Véase pág. 12 y núm. 3 del libro.|Es claro.", "Los EE. UU. y la UE firmaron.|Fue ayer.",
          "Ud. sabe que Vds. vienen.|Yo no.", "La Avda. Mayor es larga.|Hay árboles.", "—¿Vienes? —preguntó ella.|Él calló.",
          "Nació en 1900 a. C. en Roma.|Murió allí.");
}

static void test_italian(void **state)
{
    (void)state;
    CHECK("it", " ", "Il sig. Rossi e la sig.ra Bianchi vedono il dott. Verdi.|Parlano.", "«È vero», disse.|Lei rise.",
          "Costa 1.250,50 euro, il 3,5%.|È caro.", "G. B. Vico scrisse molto.|Visse a Napoli.", "Aspetta…|Poi esce.",
          "Vedi pag. 12 e art. 5 del codice.|È chiaro.", "L'ing. Neri e l'avv. Blu arrivano.|Partono.", "Chi viene?|Nessuno!|Bene.",
          "La S.p.A. cresce.|Vende molto.", "“Vieni?” chiese lei.|Lui tacque.", "Il prof. Gallo e l'on. Conti votano.|Poi escono.");
}

static void test_portuguese(void **state)
{
    (void)state;
    CHECK("pt", " ", "O Sr. Silva e a Sra. Costa viram o Dr. Souza.|Falaram.", "“É verdade”, disse.|Ela riu.",
          "Custa 1.250,50 reais, 3,5%.|É caro.", "J. M. Coelho escreveu muito.|Viveu longe.", "Espera…|Depois sai.",
          "Ver pág. 12 e art. 5 da lei.|É claro.", "A Profa. Lima e o Eng. Reis chegam.|Partem.", "Quem vem?|Ninguém!|Bem.",
          "A Av. Paulista é longa.|Há árvores.", "Os E.U.A. assinaram.|Foi ontem.", "— Vens? — perguntou ela.|Ele calou.");
}

static void test_russian(void **state)
{
    (void)state;
    CHECK("ru", " ", "А. С. Пушкин и Л. Н. Толстой писали много.|Их читают.", "В 1900 г. он жил на ул. Ленина в г. Москве.|Там тихо.",
          "Это стоит 3,5 млн руб. в год.|Это много.", "См. рис. 3 и табл. 2 на стр. 12 книги.|Там всё.",
          "«Это правда», — сказал он.|Она ушла.", "«Это правда?» — спросил он.|Она ушла.", "Он ждал…|Потом ушёл.", "Он ждал...|Потом ушёл.",
          "Люди, звери и т. д. живут тут.|Им хорошо.", "Проф. Иванов и акад. Петров пришли.|Они сели.",
          "В XIX в. тут был лес.|Теперь город.", "Кто идёт?|Никто!|Хорошо.", "В 44 г. до н. э. он умер.|Так пишут.", "Т. е. это так.|Да.");
}

static void test_ukrainian(void **state)
{
    (void)state;
    CHECK("uk", " ", "Т. Г. Шевченко та І. Я. Франко писали багато.|Їх читають.", "У 1900 р. він жив на вул. Франка в м. Києві.|Там тихо.",
          "Це коштує 3,5 млн грн. на рік.|Це багато.", "Див. рис. 3 і табл. 2 на с. 12 книги.|Там усе.",
          "«Це правда», — сказав він.|Вона пішла.", "Він чекав…|Потім пішов.", "Люди, звірі і т. д. живуть тут.|Їм добре.",
          "Проф. Іваненко та акад. Петренко прийшли.|Вони сіли.", "У XIX ст. тут був ліс.|Тепер місто.", "Хто йде?|Ніхто!|Добре.",
          "У 44 р. до н. е. він помер.|Так пишуть.");
}

static void test_chinese(void **state)
{
    (void)state;
    CHECK("zh", "", "今天下雨了。|我们走吧！|好吗？|好。", "他说：“今天下雨了。”|我们走了。", "价格上涨了3.5%。|工资下降了。",
          "他等着……|然后走了。", "「真的嗎？」|他笑了。", "苹果公司（Apple Inc.）很大。|它卖手机。", "《红楼梦》是名著。|大家都读。",
          "第一；第二。|第三。");
    CHECK("zh", " ", "公司在北京。|它卖手机。");
}

static void test_japanese(void **state)
{
    (void)state;
    CHECK("ja", "", "今日は雨です。|行きません。|本当ですか？|はい！", "価格は3.5％上がった。|賃金は下がった。",
          "彼は「行こう。」と言った。|彼女は笑った。", "彼は待った……。|そして去った。", "アップル（Apple Inc.）は大きい。|電話を売る。",
          "『本』は良い。|皆が読む。", "「本当か？」と彼は聞いた。|彼女は笑った。");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_english), cmocka_unit_test(test_german),    cmocka_unit_test(test_french),
                                       cmocka_unit_test(test_spanish), cmocka_unit_test(test_italian),   cmocka_unit_test(test_portuguese),
                                       cmocka_unit_test(test_russian), cmocka_unit_test(test_ukrainian), cmocka_unit_test(test_chinese),
                                       cmocka_unit_test(test_japanese)};
    return cmocka_run_group_tests(tests, begin, end);
}
