"""English words of feeling. Collected for this project from everyday speech; strengths are judgements, not ratings."""

from __future__ import annotations

from assistant.emotion.lexicon import Words

ENGLISH = Words(
    feelings={
        "happy": {
            0.9: "overjoyed, thrilled, ecstatic, delighted, over the moon, on top of the world, on cloud nine, "
            "never been happier, couldn't be happier, never felt better, best day ever, best day of my life, "
            "elated, never felt so happy, never felt so good, jumping for joy",
            0.75: "happy, joyful, joy, cheerful, glad, great mood, good mood, wonderful, fantastic, amazing, "
            "awesome, excited, exciting, love it, love this, love you, i love, made my day, happier, "
            "happiest, in love, brilliant, hooray, yay, woohoo, feel great, feeling great, feel good, "
            "feeling good, feel better, feeling better, proud, can't wait, cannot wait, looking forward, "
            "laughing, can't stop smiling, can't stop laughing, haha, hahaha, grateful, thankful, blessed",
            0.5: "pleased, content, satisfied, relieved, hopeful, good news, nice, lovely, fun, funny, great, "
            "relaxed, not bad, not too bad, so good, really good, very good, well done, enjoy, enjoyed, "
            "enjoying, smiling, like it, like this",
        },
        "sad": {
            0.9: "can't stop crying, cannot stop crying, heartbroken, heart broken, devastated, miserable, "
            "depressed, hopeless, in tears, burst into tears, broke my heart, cried all, want to cry, "
            "could cry, grieving, worst day of my life, in despair, worthless",
            0.75: "sad, unhappy, sadness, crying, cried, cry, lonely, feel down, feeling down, feel so down, "
            "feel low, feeling low, feel blue, feeling blue, feel alone, feeling alone, feel empty, sorrow, "
            "gloomy, depressing, feel awful, feel terrible, feel bad, feeling bad, feel so bad, "
            "hurts so much, passed away, died, broken, sadder, bad mood, had a bad day, bad day, "
            "terrible day, awful day, rough day, hard day, worst day",
            0.5: "upset, disappointed, disappointing, disappointment, miss him, miss her, miss them, miss you, "
            "homesick, hurt, tired of, exhausted, worn out, unfortunately, regret, terrible, awful, "
            "horrible, lost my, failed, letdown, let me down, down today, sorry for myself, give up",
        },
        "angry": {
            0.9: "furious, enraged, livid, outraged, infuriating, infuriated, pissed off, pissed, seeing red, "
            "fuming, lost my temper, drives me crazy, driving me crazy, makes me mad, drives me mad, "
            "blood boil",
            0.75: "angry, mad, rage, hate, hated, fed up, sick of, can't stand, cannot stand, had enough, angrier, "
            "annoyed, annoying, irritated, irritating, frustrated, frustrating, how dare, damn it, goddamn, "
            "stupid thing, bad mood, leave me alone, shut up",
            0.5: "upset, ridiculous, unacceptable, unfair, nonsense, damn, terrible, horrible, impatient, grumpy, "
            "useless, waste of time, for god's sake",
        },
        "fear": {
            0.9: "terrified, petrified, scared to death, panicking, panic attack, panic, horrified, freaking out, "
            "freaked out",
            0.75: "afraid, scared, frightened, frightening, scary, anxious, anxiety, worried, nervous, fear, "
            "dread, stressed, stressed out, terrifying, creepy, worried sick, overwhelmed",
            0.5: "worry, worrying, uneasy, tense, insecure, concerned, under pressure, not safe, helpless",
        },
        "disgust": {
            0.9: "disgusting, disgusted, revolting, repulsive, makes me sick, makes me want to vomit",
            0.75: "gross, yuck, eww, ew, nasty, nauseating, vile, filthy, sickening",
            0.5: "yucky, awful smell, stinks, horrible",
        },
        "surprise": {
            0.9: "astonished, astonishing, shocked, stunned, blown away, mind blowing, speechless, flabbergasted",
            0.75: "surprised, surprising, surprise, can't believe, cannot believe, couldn't believe, unbelievable, "
            "oh my god, oh my goodness, wow, no way, out of nowhere, amazed",
            0.5: "unexpected, didn't expect, did not expect, really weird, incredible",
        },
        "neutral": {
            0.5: "i'm fine, i am fine, i'm okay, i am okay, i'm ok, i am ok, i'm alright, i am alright, "
            "feel fine, feeling fine, feel okay, feeling okay, feel normal, calm, so so, nothing special, "
            "all right then",
        },
    },
    intensities={
        1.25: "so, very, really, extremely, incredibly, absolutely, totally, completely, truly, super, too, "
        "such, such a, so much, so very, deeply, utterly, as hell, more than ever, terribly, awfully",
        1.1: "quite, pretty, rather, just, still, more, again",
        0.65: "a bit, a little, a little bit, slightly, somewhat, kind of, kinda, sort of, mildly, maybe",
    },
    kinds={
        "negator": "not, no, never, neither, nor, without, hardly, barely, nothing, nobody, isn't, ain't, wasn't, "
        "aren't, weren't, don't, doesn't, didn't, can't, cannot, couldn't, won't, wouldn't, shouldn't, "
        "haven't, hasn't, hadn't, isnt, dont, cant, no longer, not at all, far from, anything but, "
        "stopped being",
        "break": "but, however, although, though, because, since, yet, while, instead, rather than",
        "shield": "happy birthday, happy new year, happy christmas, merry christmas, happy hour, happy holidays, "
        "not only, no problem, no worries, don't worry, i'm afraid that, i'm afraid not, i'm afraid so, "
        "just great, no thanks, broken glass, great britain, upset stomach, surprise party, surprise me, "
        "excuse me, like it is, like this one, cry wolf, fun fact, i was wondering, fear of missing out, "
        "glad to help, nice to meet you, what a, funny thing",
        "self": "i, i'm, i am, i've, i'd, i'll, im, me, myself, we, we're, we've, us",
        "other": "you, you're, he, he's, she, she's, they, they're, him, her, them, it's called, everyone, "
        "people, someone, who, mother, father, mom, dad, sister, brother, wife, husband, friend, boss, "
        "cat, dog",
        "request": "play, set, turn, switch, add, show, search, find, look up, open, close, call, remind, read, "
        "tell, start, pause, resume, skip, put, send, write, spell, define, translate, repeat, say, "
        "describe, please, i want to hear, i want to listen, i'd like to hear, i want you to, "
        "let me hear, listen to",
        "question": "do, does, did, am, is, are, was, were, can, could, will, would, should, have, has, how do i, "
        "how am i, how does, how do you, how are, what does, what is, what's, what are, who is, who's, "
        "where, when, which, how many, how much",
    },
    reach=3,
    by_character=False,
    variants={},
)

VADER_IGNORES = (
    "yes no please stop cancel alarm alarms kill killed kills killing play plays ok okay fine sure "
    "well like likes thanks thank help alert alerts charge charged cut hey hi hello number top clear "
    "warm free share shared save security secure safe low important interest interested energy "
    "energetic bright super trust welcome want accept alone dark fire pay poor leave lost miss "
    "missed missing problem problems emergency error errors fight demand demands"
)
"""Words that carry polarity in VADER's lexicon and none in what people say to a device; separated by spaces."""
