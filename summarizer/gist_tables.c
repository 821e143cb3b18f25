/* Word lists of the extractive engine; contract in gist_tables.h.
 *
 * Stop words are the closed classes (articles, pronouns, prepositions, conjunctions, auxiliaries) of each language; they
 * also tell languages apart. Abbreviations are those that stand before a capital or a digit in running text: one that
 * mostly ends its sentence ("etc.", "Inc.") is left out, since a wrong cut costs less there than a wrong join. One with a +
 * ("p.m.") ends its sentence if a stop word with a capital follows. */
#include "summarizer/gist_tables.h"

const char gist_common_abbrs[] = "mr mrs ms dr prof jr messrs mme mlle ca cf vs resp approx e.g i.e";
const char gist_common_numbered[] = "no nr nos fig figs eq eqs sec sect ch chap vol vols p pp pg art par para tab ex vers ver v s c n cap";

#define STOPS_EN                                                                                                                           \
    "a about above after again against all also although am an and any are as at be because been before being below between "              \
    "both but by can cannot could did do does doing done down during each either else even ever every few for from further "               \
    "get gets got had has have having he her here hers herself him himself his how however i if in into is it its itself "                 \
    "just let like made make many may me might more most much must my myself neither no nor not now of off often on once "                 \
    "one only or other others our ours ourselves out over own per perhaps quite rather really said same say says shall she "               \
    "should since so some still such than that the their theirs them themselves then there therefore these they this those "               \
    "though through thus to too under until up upon us use used using very via was we well were what when where whether "                  \
    "which while who whom whose why will with within without would yet you your yours yourself"

#define STOPS_DE                                                                                                                           \
    "aber alle allem allen aller alles als also am an andere anderen anderer anderes auch auf aus bei beim bereits bin bis "               \
    "bist da dabei dadurch daher damit danach dann daran darauf daraus darin darüber das dass dazu dein deine dem den denen "             \
    "denn der deren des dessen desto die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen "                  \
    "einer eines einige einigen einiger er erst es etwa etwas euch euer für gab gegen gibt habe haben hat hatte hatten her "              \
    "hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im immer in indem ins ist ja je jede jedem jeden "                 \
    "jeder jedes jedoch jene jenen jener kann kein keine keinem keinen keiner konnte konnten können könnte machen man manche "           \
    "mehr mein meine meist mit muss musste müssen nach nachdem nicht nichts noch nun nur ob obwohl oder oft ohne sehr sei "               \
    "sein seine seinem seinen seiner seines seit selbst sich sie sind so sodass sogar solche solchen soll sollen sollte "                  \
    "sondern sonst soweit sowie sowohl um und uns unser unter usw viel viele vielen vom von vor wann war waren warum was "                 \
    "weil weiter weitere weiteren welche welchen welcher welches wenn wer werde werden wie wieder will wir wird wo wobei "                 \
    "wodurch wurde wurden während über zu zum zur zwar zwischen"

#define STOPS_FR                                                                                                                           \
    "a à afin ai ainsi alors après as au aucun aucune aujourd aura aussi autant autre autres aux avait avaient avant avec "              \
    "avoir beaucoup bien c ce ceci cela celle celles celui cependant ces cet cette ceux chaque chez ci comme comment contre "              \
    "d dans de depuis des désormais deux devant doit donc dont du elle elles en encore entre est et étaient était étant été "        \
    "être eu eux fait faire fois font hors ici il ils j je jusqu l la là le les leur leurs lorsque lui m ma mais me même "              \
    "mêmes mes moi moins mon n ne ni non nos notre nous on ont or ou où par parce parmi pas pendant peu peut peuvent plus "              \
    "plusieurs pour pourquoi près presque pu puis qu quand que quel quelle quelles quelque quelques quels qui quoi s sa sans "            \
    "se selon sera ses si sinon soit son sont sous sur t ta tandis te tel telle tes toi ton tous tout toute toutes très trop "            \
    "tu un une vers voici vont vos votre vous y"

#define STOPS_ES                                                                                                                           \
    "a al algo algunas alguno algunos ante antes aquel aquella aquellos así aún aunque bajo bien cada casi como con contra "             \
    "cual cuales cuando cuanto de del desde después donde dos durante e el él ella ellas ellos en entonces entre era eran "              \
    "es esa esas ese eso esos esta está están estaba este esto estos fue fueron ha había habían hace hacia han hasta hay la "          \
    "las le les lo los luego más me mediante mi mientras mis mismo misma mucho muchos muy nada ni no nos nosotros nuestra "               \
    "nuestro o os otra otras otro otros para pero poco por porque pues que qué quien quienes se sea según ser si sí sido "              \
    "siempre sin sino sobre solo sólo son su sus también tan tanto te tiene tienen toda todas todo todos tras tu tus un una "            \
    "unas uno unos usted y ya yo"

#define STOPS_IT                                                                                                                           \
    "a abbia ad agli ai al alcune alcuni alla alle allo allora altre altri altro anche ancora avere aveva avevano c che chi "              \
    "ci cioè come con contro cosa così cui d da dagli dai dal dalla dalle dallo degli dei del dell della delle dello dopo "              \
    "dove due durante e è ed era erano essere fa fino fra fu furono gli ha hanno ho i il in infatti invece io l la le lei "               \
    "lo loro lui ma mai me meno mentre mi molti molto ne nè né negli nei nel nell nella nelle nello noi non nostro o ogni "              \
    "oltre or per perché però più poi poco prima può qual quale quali quando quanto quasi quella quelle quelli quello questa "         \
    "queste questi questo qui quindi s sarà se secondo sempre senza si sia sia siano solo sono sopra sotto stata state stati "            \
    "stato su sua sue sugli sui sul sulla sulle suo suoi tra tutta tutte tutti tutto un una uno verso vi voi"

#define STOPS_PT                                                                                                                           \
    "a à ainda além alguma algumas algum alguns ante antes ao aos apenas após aquela aquele aqui as às assim até bem cada "           \
    "com como contra cujo da das de dela dele deles depois desde dessa desse desta deste do dois dos durante e é ela elas "               \
    "ele eles em enquanto então entre era eram essa esse esta está estão estava este eu foi foram há isso isto já la lhe lo "         \
    "logo mais mas me mesma mesmo meu minha muito muitos na nas não nem nenhum no nos nós nossa nosso num numa o onde os ou "            \
    "outra outras outro outros para pela pelas pelo pelos per perante pode podem pois por porque porém qual quais quando "                \
    "quanto que quem são se seja sem sempre sendo ser será seu seus sido sob sobre sua suas também tão te tem têm ter tinha "         \
    "toda todas todo todos tudo um uma umas uns você"

#define STOPS_RU                                                                                                                                                                                                             \
    "а без бы был была были было быть в вам вас во вот все всего всех вы где да даже для до его ее её ей ему если есть еще "         \
    "ещё же за здесь и из или им имеет их к как какой когда кого кому кто которая которого которое которой которые который "  \
    "которых ли либо лишь между меня мне может можно мой мы на над надо наш не него нее неё ней нет ни них но ну о об однако "   \
    "он она они оно от очень перед по под после потом потому почти при про раз с сам свои свой своего своей своих себя "           \
    "сейчас со снова так также такая такие такой там те тем то того тоже только том тот тут ты у уже хотя чего чем через что " \
    "чтобы эта эти это этого этой этом этот этих я является"

#define STOPS_UK                                                                                                                                                                                                              \
    "а або адже але без би був була були було бути в вам вас вже вид ви від він вона вони воно все всіх всі втім де деякі для "   \
    "до ж за зі з із й його її їх їй йому і інші інший інших коли крім кожен котрий лише між мене мені ми може можна мій на "       \
    "над навіть нам нас наш не немає неї ним них ні ніж о об однак ось під по після при про проти проте саме свій своєї своїх " \
    "себе серед та так також такий такі там те тим того той тому тоді то у уже усі хоча хто це цей ці цього цієї цим через чи "  \
    "чого ще що щоб щодо я яка яке який які якого якої яких якщо як є"

#define STOPS_NL                                                                                                                           \
    "aan af al alle alleen als altijd ander andere anders ben bij bijvoorbeeld daar dan dat de deze die dit doch doen door "               \
    "dus een eens en er ge geen haar had hadden heb hebben heeft hem het hier hij hoe hun iets ik in is ja je kan kon kunnen "             \
    "maar me meer men met mij mijn moet moeten na naar niet niets nog nu of om omdat ook onder ons onze op over reeds sinds "              \
    "te tegen ten ter terwijl toch toen tot tussen u uit uw vaak van veel verder voor vooral waar wanneer waren was wat wel "              \
    "welke werd werden wie wij wil worden wordt ze zeer zelf zich zij zijn zo zoals zonder zou zouden zowel"

#define STOPS_SV                                                                                                                           \
    "alla allt att av blev bli blir bara de dem den denna deras dess dessa det detta dig din du där då efter ej eller en "               \
    "er ett från för genom göra ha hade han hans har henne hennes hon honom hur här i icke in inom inte jag ju kan kunde man "         \
    "med mellan men mer mig min mot mycket ni nu när någon något några och om oss på samma sedan sig sin sina sitt skall ska "        \
    "som så till under upp ut utan vad var vara varit vi vid vilken är även över"

#define STOPS_PL                                                                                                                           \
    "a aby ale albo ani bardzo bez bo by być był była było były co czy czyli dla do gdy gdzie go i ich im inne innych jak "           \
    "jako jednak jego jej jest jeszcze jeżeli już każdy kiedy kto która które którego której który których lub ma mają może "   \
    "można mu na nad nie nich nim niż o od one oraz po pod podczas ponieważ poza przed przez przy również się są swoje swój ta "   \
    "tak także tam te tego tej ten też to tu tych tylko tym u w we więc wszystkie wśród z za ze zostać został że"

#define STOPS_ZH                                                                                                                                                                      \
    "我们 他们 她们 它们 你们 这个 那个 这些 那些 一个 一些 没有 可以 因为 所以 但是 如果 或者 以及 并且 而且 已经 还是 就是 不是 " \
    "什么 怎么 这样 那样 自己 由于 虽然 然而 此外 同时 其中 之后 之前 之间 也是 都是 的是 是一 有一 的一"

const struct gist_table gist_tables[] = {
    {"en", "english", false, STOPS_EN,
     "st sr rev hon gen col capt lt sgt mt ave blvd univ dept assn bros viz eg ie ph.d jan feb mar apr jun jul aug sep sept oct nov dec gov sen rep pres supt adm maj brig cmdr det insp u.s+ u.k+ u.n+ d.c+ a.m+ p.m+ al+",
     ""},
    {"de", "german", true, STOPS_DE,
     "hr fr gem vgl bzw dipl ing habil str d h z b u a i e s o usw+ co+ ff+ evtl ggf inkl zzgl allg bes bspw sog tel abs abt bd bde hrsg hl jh jhd mio mrd nördl südl östl westl "
     "geb gest gegr ehem engl franz griech lat dt österr schweiz verh zit urspr einschl entspr insb insbes mind max min vorm "
     "nachm fa fam frl hbf kgl",
     "rn kap ziff anm aufl jg"},
    {"fr", "french", false, STOPS_FR, "m mm mgr me st ste dr janv févr juil av env éd hab", "chap fig"},
    {"es", "spanish", false, STOPS_ES, "sr sra srta sres dra ud uds vd lic avda admón aprox ee uu pág núm excmo gral", "núm pág págs"},
    {"it", "italian", false, STOPS_IT, "sig sigg sig.ra avv ing prof.ssa on dott dott.ssa prof.ssa arch geom rag ecc spett", "pag pagg"},
    {"pt", "portuguese", false, STOPS_PT, "sr sra srs dra exmo exma eng arq av prof.ª profa", "pág págs núm"},
    {"ru", "russian", false, STOPS_RU,
     "г+ гг+ в+ вв+ т е+ д+ р им ул пл пр просп стр рис табл см ср т.е т.д+ т.п+ т.к др+ н э+ н.э++ проф акад доц тыс+ млн+ млрд+ руб+ коп св о оз гр изд ред пер нач кон",
     "стр рис табл гл ст п"},
    {"uk", "6", false, STOPS_UK,
     "р+ рр+ ст+ м с вул пл просп ім див напр т.д+ т.п+ т.зв тобто проф акад доц тис+ млн+ млрд+ грн+ коп св о оз нар ред вид",
     "стор рис табл гл ст п"},
    {"nl", "dutch", false, STOPS_NL, "dhr mevr mw drs ir mr bijv enz o.a d.w.z m.b.t t.o.v jhr ds", "blz nr"},
    {"sv", "swedish", false, STOPS_SV, "bl a t ex d v s m fl osv ca kl f.d f.ö", "sid"},
    {"da", "danish", true, "", "bl a f eks dvs ca kl hr fru", "nr"},
    {"no", "norwegian", true, "", "bl a f eks dvs ca kl hr fru", "nr"},
    {"fi", "finnish", true, "", "esim mm ns ks tri", ""},
    {"pl", "6", false, STOPS_PL, "np tzn tzw m.in im ul al prof dr inż mgr ks św pt tj ok r w", "str rys tab poz ust"},
    {"cs", "6", true, "", "např tj tzv atd apod resp ing mgr mudr sv ul nám č", "str obr tab"},
    {"sk", "6", true, "", "napr tj tzv atď apod resp ing mgr mudr sv ul nám č", "str obr tab"},
    {"sl", "6", true, "", "npr oz tj itd ga g sv dr mag", ""},
    {"hr", "6", true, "", "npr tj itd tzv dr mr sv ul", ""},
    {"bg", "6", false, "", "г гг в т е др проф акад доц им ул бул напр", "стр фиг"},
    {"ro", "romanian", false, "", "dl dna dr prof ing str nr", "pag art"},
    {"hu", "hungarian", true, "", "dr ifj id özv pl ún stb", ""},
    {"tr", "turkish", true, "", "dr prof doç av yrd sn vb örn bkz", ""},
    {"ca", "catalan", false, "", "sr sra dr dra prof", "pàg"},
    {"eu", "basque", false, "", "", ""},
    {"el", "greek", false, "", "κ κα π.χ δηλ κ.λπ", ""},
    {"ga", "irish", false, "", "", ""},
    {"hy", "armenian", false, "", "", ""},
    {"id", "indonesian", false, "", "dr drs ir prof tn ny sdr", ""},
    {"lt", "lithuanian", true, "", "pvz t.y dr prof", ""},
    {"lv", "6", true, "", "piem t.i dr prof", ""},
    {"et", "6", true, "", "nt st dr prof", ""},
    {"sr", "serbian", true, "", "нпр тј итд др проф св", ""},
    {"ar", "arabic", false, "", "", ""},
    {"hi", "hindi", false, "", "", ""},
    {"ne", "nepali", false, "", "", ""},
    {"ta", "tamil", false, "", "", ""},
    {"yi", "yiddish", false, "", "", ""},
    {"zh", "", false, STOPS_ZH, "", ""},
    {"ja", "", false, "", "", ""},
    {"ko", "", false, "", "", ""},
};

const int gist_table_count = (int)(sizeof gist_tables / sizeof *gist_tables);
