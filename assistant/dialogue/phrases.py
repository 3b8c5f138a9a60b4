"""Every sentence that the skills say, in both languages: spoken, so short, without lists, symbols or digits.

Several variants of one reply take turns with the turn's number, so that a run can be repeated exactly.
"""

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    # No skill, or one that failed.
    "unknown": {
        "en": ("I don't know how to do that yet.", "I can't do that yet.", "That's something I haven't learned yet."),
        "zh": ("这个我还不会。", "我还不知道怎么做这个。", "这个我还没学会。"),
    },
    "told_good": {
        "en": ("I'm glad to hear that.", "That's good to hear."),
        "zh": ("真为你高兴。", "听你这么说我很高兴。"),
    },
    "told_bad": {
        "en": ("I'm sorry to hear that.", "That sounds hard. I'm here if you need me."),
        "zh": ("听你这么说，我也很难过。", "辛苦你了，有什么需要就告诉我。"),
    },
    "skill_failed": {
        "en": ("Sorry, something went wrong while I was doing that.",),
        "zh": ("抱歉，刚才出了点问题，我没能做到。",),
    },
    "scene_read_failed": {"en": ("Sorry, I couldn't read it.",), "zh": ("抱歉，我没能读出来。",)},
    "model_failed": {
        "en": ("Sorry, I can't think of an answer right now.",),
        "zh": ("抱歉，我现在想不出答案。",),
    },
    # What the assistant lost or found again: said unasked.
    "cannot_hear": {"en": ("I can't hear anything right now.",), "zh": ("我现在听不见。",)},
    "can_hear_again": {"en": ("I can hear you again.",), "zh": ("我又能听见了。",)},
    "cannot_see": {"en": ("I can't see right now.",), "zh": ("我现在看不见。",)},
    "can_see_again": {"en": ("I can see again.",), "zh": ("我又能看见了。",)},
    "cannot_understand": {"en": ("Sorry, I can't understand speech right now.",), "zh": ("抱歉，我现在听不懂话。",)},
    "can_understand_again": {"en": ("I can understand you again.",), "zh": ("我又能听懂了。",)},
    "cannot_keep_up": {
        "en": ("I can't keep up right now, so I may miss what you say.",),
        "zh": ("我现在反应不过来，可能会漏听。",),
    },
    "can_keep_up_again": {"en": ("I can keep up again.",), "zh": ("我又跟得上了。",)},
    "cannot_save": {
        "en": ("I can't save anything right now, so a restart may lose what you have set.",),
        "zh": ("我现在没法保存，重启的话，你设好的可能会丢。",),
    },
    "can_save_again": {"en": ("I can save again.",), "zh": ("我又能保存了。",)},
    "could_not_answer": {"en": ("I couldn't answer you a moment ago.",), "zh": ("我刚才没能回答你。",)},
    # Scene.
    "scene_nothing_yet": {
        "en": ("I haven't seen anything yet. Ask me again in a moment.",),
        "zh": ("我还没看到画面，请稍后再问我。",),
    },
    "scene_no_camera": {
        "en": ("I can't see right now. The camera isn't working.",),
        "zh": ("我现在看不见，摄像头用不了。",),
    },
    "scene_resting": {
        "en": ("I've stopped looking for a while, so that the machine can recover.",),
        "zh": ("为了让机器缓一缓，我暂时不看了。",),
    },
    "scene_unknown_object": {
        "en": ("I don't know what {object} like, so I can't tell.",),
        "zh": ("我不认识{object}，所以没法判断。",),
    },
    "scene_count": {"en": ("I see {counted}.",), "zh": ("我看到{counted}。",)},
    "scene_count_perhaps": {"en": ("I think I see {counted}.",), "zh": ("我好像看到{counted}。",)},
    "scene_perhaps_more": {"en": ("Perhaps {counted}.",), "zh": ("可能还有{counted}。",)},
    "scene_none": {"en": ("I don't see any {name}.",), "zh": ("我没看到{name}。",)},
    "scene_yes": {"en": ("Yes, I see {counted}.",), "zh": ("有，我看到{counted}。",)},
    "scene_yes_perhaps": {"en": ("I think so. It looks like {counted}.",), "zh": ("可能有，我好像看到{counted}。",)},
    "scene_no": {"en": ("No, I don't see any {name}.",), "zh": ("没有，我没看到{name}。",)},
    "scene_place_unclear": {
        "en": ("I see {counted}, but whether {place}, I can't tell.",),
        "zh": ("我看到{counted}，但是看不出是不是在{place}。",),
    },
    "scene_whether_there": {
        "en": ("I can't tell whether they are {place}.",),
        "zh": ("看不出是不是在{place}。",),
    },
    "scene_whether_was_there": {
        "en": ("Whether {place}, I can't tell.",),
        "zh": ("是不是在{place}，我说不准。",),
    },
    "scene_only_before_camera": {
        "en": ("I can only see what is in front of the camera.",),
        "zh": ("我只能看到摄像头拍到的地方。",),
    },
    "scene_too_dark": {
        "en": ("It's too dark to see anything.",),
        "zh": ("太暗了，我什么都看不清。",),
    },
    "scene_beside": {"en": ("{place}, I see {things}.",), "zh": ("{place}有{things}。",)},
    "scene_beside_perhaps": {
        "en": ("{place}, I think I see {things}.",),
        "zh": ("{place}好像有{things}。",),
    },
    "scene_beside_none": {"en": ("I don't see anything {place}.",), "zh": ("我没看到{place}有什么东西。",)},
    "scene_color": {"en": ("The {name} looks {color}.",), "zh": ("{name}看起来是{color}的。",)},
    "scene_color_perhaps": {
        "en": ("I'm not sure that it is one, but the {name} looks {color}.",),
        "zh": ("我不太确定那是不是{name}，看起来是{color}的。",),
    },
    "scene_color_unclear": {
        "en": ("I see the {name}, but I can't make out its color.",),
        "zh": ("我看到了{name}，但是看不清是什么颜色。",),
    },
    "scene_who_none": {"en": ("I don't see anyone.",), "zh": ("我没看到人。",)},
    "scene_who_known": {"en": ("I see {people}.",), "zh": ("我看到{people}。",)},
    "scene_who_doubtful": {"en": ("I think I see {people}.",), "zh": ("好像有{people}。",)},
    "scene_who_other": {
        "en": ("{counted} I don't know",),
        "zh": ("{counted}我不认识",),
    },
    "scene_who": {
        "en": ("I see {counted}, but I don't know who that is.",),
        "zh": ("我看到{counted}，但我不认识。",),
    },
    "scene_who_perhaps": {
        "en": ("I think I see {counted}, but no face.",),
        "zh": ("好像有{counted}，但是看不到脸。",),
    },
    # Reading.
    "reading": {"en": ("It says: {text}",), "zh": ("上面写着：{text}",)},
    "reading_perhaps": {
        "en": ("I'm not sure, but I think it says: {text}",),
        "zh": ("我看不太清楚，好像写着：{text}",),
    },
    "reading_more": {"en": (" There is more.",), "zh": ("后面还有。",)},
    "reading_nothing": {
        "en": ("I don't see any text that I can read.",),
        "zh": ("我没看到能看清的字。",),
    },
    "reading_not_installed": {
        "en": ("I can't read yet. The extra for reading, called ocr, isn't installed.",),
        "zh": ("我还不识字，识字用的附加组件 ocr 还没有安装。",),
    },
    # What happened before the camera.
    "happened_nothing": {
        "en": ("I haven't noticed any change since I began to look, {age} ago.",),
        "zh": ("我从{age}前开始看，到现在没注意到有什么变化。",),
    },
    "happened_nobody": {
        "en": ("I haven't seen anyone come since I began to look, {age} ago.",),
        "zh": ("我从{age}前开始看，到现在没看到有人来。",),
    },
    "happened_unseen": {
        "en": ("I haven't seen any {name} since I began to look, {age} ago.",),
        "zh": ("我从{age}前开始看，到现在没看到过{name}。",),
    },
    "happened_came_last": {
        "en": ("The last arrival I noticed: {what}.",),
        "zh": ("我最近一次注意到的是：{what}。",),
    },
    "happened_came": {"en": ("Yes, {what}.",), "zh": ("有，{what}。",)},
    "happened_ago": {"en": ("{age} ago, {what}",), "zh": ("{age}前，{what}",)},
    "happened_now": {"en": ("just now, {what}",), "zh": ("刚才，{what}",)},
    "watching": {"en": ("Okay, I'll tell you when {what}.",), "zh": ("好的，{what}的时候我告诉你。",)},
    "watching_unknown_person": {
        "en": ("I don't know anyone by the name of {name}.",),
        "zh": ("我不认识叫{name}的人。",),
    },
    "watching_perhaps": {
        "en": ("Someone {did}. I can't tell whether it was {name}.",),
        "zh": ("有人{did}，我看不出是不是{name}。",),
    },
    "watching_already": {"en": ("I'm already watching for that.",), "zh": ("我已经在留意了。",)},
    "watching_impossible": {
        "en": ("I can't tell that. The network for people's poses isn't installed.",),
        "zh": ("我看不出来，识别姿势的模型还没有安装。",),
    },
    "watching_stopped": {"en": ("Okay, I won't tell you any more.",), "zh": ("好的，我不再提醒了。",)},
    "watching_nothing": {"en": ("I'm not watching for anything.",), "zh": ("我没有在留意什么。",)},
    "scene_old": {"en": ("That was {age} ago.",), "zh": ("那是{age}前的画面。",)},
    # Feelings.
    "feelings_unsure": {
        "en": ("I'm not sure how you feel.", "I can't really tell how you feel."),
        "zh": ("我不太确定你的心情。", "我看不太出来你的心情。"),
    },
    "feelings_sure": {"en": ("You seem {feeling} to me.",), "zh": ("我觉得你{feeling}。",)},
    "feelings_hedged": {
        "en": ("I could be wrong, but you seem a little {feeling}.",),
        "zh": ("我不太确定，不过你好像有点{feeling}。",),
    },
    "feelings_neutral": {"en": ("You seem calm to me.",), "zh": ("我觉得你很平静。",)},
    "feelings_neutral_hedged": {
        "en": ("I could be wrong, but you seem calm to me.",),
        "zh": ("我不太确定，不过你看起来挺平静的。",),
    },
    "feelings_cannot_tell": {"en": ("I can't tell that.",), "zh": ("这个我看不出来。",)},
    "feelings_yes": {"en": ("Yes, you seem {feeling} to me.",), "zh": ("是的，我觉得你{feeling}。",)},
    "feelings_no": {"en": ("Not really. You seem {feeling} to me.",), "zh": ("不太像，我觉得你{feeling}。",)},
    "feelings_why": {"en": ("I mostly go by {channels}.",), "zh": ("我主要是根据{channels}判断的。",)},
    "feelings_why_unsure": {
        "en": ("I don't have enough to go on. I look at your face and listen to your voice and your words.",),
        "zh": ("我的依据还不够。我会看你的表情，听你的语气和你说的话。",),
    },
    # Clock.
    "time": {"en": ("It's {time}.",), "zh": ("现在的时间是{time}。",)},
    "date": {"en": ("It's {date}.",), "zh": ("今天的日期是{date}。",)},
    "date_tomorrow": {"en": ("Tomorrow is {date}.",), "zh": ("明天是{date}。",)},
    "date_yesterday": {"en": ("Yesterday was {date}.",), "zh": ("昨天是{date}。",)},
    "year": {"en": ("It's {year}.",), "zh": ("今年是{year}年。",)},
    # Timer.
    "timer_set": {"en": ("Okay, {duration}, starting now.",), "zh": ("好的，{duration}，现在开始计时。",)},
    "timer_set_named": {
        "en": ("Okay, {duration} for {name}, starting now.",),
        "zh": ("好的，{name}{duration}，现在开始计时。",),
    },
    "timer_no_duration": {
        "en": ("For how long? You can say, set a timer for five minutes.",),
        "zh": ("要计时多久？你可以说，设一个五分钟的计时器。",),
    },
    "timer_too_long": {"en": ("I can only count up to one day.",), "zh": ("我最多只能计时一天。",)},
    "timer_too_many": {
        "en": ("I can't keep more timers than that. Cancel one first.",),
        "zh": ("计时器太多了，请先取消一个。",),
    },
    "timer_none": {"en": ("There is no timer running.",), "zh": ("现在没有计时器。",)},
    "timer_left": {"en": ("Your {timer} has {left} left.",), "zh": ("{timer}还剩{left}。",)},
    "timer_several": {"en": ("You have {count} timers.",), "zh": ("你有{count}个计时器。",)},
    "timer_cancelled": {"en": ("Okay, I cancelled your {timer}.",), "zh": ("好的，{timer}已经取消了。",)},
    "timer_acknowledged": {"en": ("Okay.",), "zh": ("好的。",)},
    "timer_cancelled_all": {"en": ("Okay, all timers are cancelled.",), "zh": ("好的，计时器都取消了。",)},
    "timer_which": {
        "en": ("You have {count} timers. Tell me which one, or say, cancel all timers.",),
        "zh": ("你有{count}个计时器。请告诉我取消哪一个，或者说，取消所有计时器。",),
    },
    "timer_not_found": {"en": ("I don't have such a timer.",), "zh": ("没有这个计时器。",)},
    "timer_rings": {"en": ("Your {timer} is done.",), "zh": ("{timer}到时间了。",)},
    "timer_rings_late": {
        "en": ("Your {timer} was done while I was away.",),
        "zh": ("我不在的时候，{timer}到时间了。",),
    },
    "timer_rings_overdue": {"en": ("Your {timer} was done a while ago.",), "zh": ("{timer}早就到时间了。",)},
    "timer_unnamed": {"en": ("{duration} timer",), "zh": ("{duration}的计时器",)},
    "timer_named": {"en": ("{name} timer",), "zh": ("{name}计时器",)},
    # Control.
    "repeat_nothing": {"en": ("I haven't said anything yet.",), "zh": ("我还没说过话呢。",)},
    "continue_nothing": {"en": ("That was all of it.",), "zh": ("刚才的已经说完了。",)},
    "volume_louder": {"en": ("Okay, louder.",), "zh": ("好的，大声一点。",)},
    "volume_quieter": {"en": ("Okay, quieter.",), "zh": ("好的，小声一点。",)},
    "volume_highest": {"en": ("This is as loud as I can go.",), "zh": ("已经是最大音量了。",)},
    "volume_lowest": {"en": ("This is as quiet as I can go.",), "zh": ("已经是最小音量了。",)},
    "volume_set": {"en": ("Okay, volume at {percent} percent.",), "zh": ("好的，音量百分之{percent}。",)},
    "mute": {
        "en": ("Okay, I've stopped listening and looking.",),
        "zh": ("好的，我不听也不看了。",),
    },
    "goodbye": {"en": ("Goodbye!", "See you later!", "Bye for now!"), "zh": ("再见！", "回头见！", "拜拜！")},
    "help": {
        "en": (
            "I can tell you what I see, count people and things, say how you seem to feel, tell the time and the date, "
            "and set timers. You can also ask me to repeat, to speak louder or quieter, or to stop.",
        ),
        "zh": (
            "我可以告诉你我看到了什么，数一数人和东西，说说你看起来心情怎么样，报时间和日期，还可以设计时器。"
            "你也可以让我再说一遍，大声一点，小声一点，或者停下来。",
        ),
    },
    # Small talk.
    "greet": {
        "en": ("Hello! What can I do for you?", "Hi there! How can I help?"),
        "zh": ("你好！有什么可以帮你的？", "你好呀！需要我做什么？"),
    },
    "greet_morning": {"en": ("Good morning! How can I help?",), "zh": ("早上好！有什么可以帮你的？",)},
    "greet_evening": {"en": ("Good evening! How can I help?",), "zh": ("晚上好！有什么可以帮你的？",)},
    "thanks": {
        "en": ("You're welcome.", "Happy to help.", "Any time."),
        "zh": ("不客气。", "不用谢。", "很高兴能帮到你。"),
    },
    "name": {
        "en": ("I'm your assistant, and I live on this device.",),
        "zh": ("我是你的助手，就住在这台设备里。",),
    },
    "how_are_you": {
        "en": ("I'm doing well, thank you. What can I do for you?", "All is well here. How can I help?"),
        "zh": ("我很好，谢谢。有什么可以帮你的？", "一切都好。需要我做什么？"),
    },
    # Openings that follow the person's mood; see `style.py`.
    "opening_sad": {"en": ("I'm here for you.", "Take your time."), "zh": ("我在这儿陪着你。", "慢慢来。")},
    "opening_fear": {"en": ("It's all right.",), "zh": ("别担心。",)},
    "opening_angry": {"en": ("I'll keep it short.",), "zh": ("我尽量说得简短些。",)},
    "opening_happy": {"en": ("With pleasure!", "Gladly!"), "zh": ("好呀！", "没问题！")},
}

FEELINGS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "angry": "annoyed",
        "disgust": "put off",
        "fear": "worried",
        "happy": "happy",
        "sad": "sad",
        "surprise": "surprised",
        "neutral": "calm",
    },
    "zh": {
        "angry": "生气",
        "disgust": "反感",
        "fear": "担心",
        "happy": "开心",
        "sad": "难过",
        "surprise": "惊讶",
        "neutral": "平静",
    },
}

CHANNELS: Final[dict[str, dict[str, str]]] = {
    "en": {"face": "your face", "voice": "the sound of your voice", "text": "what you say"},
    "zh": {"face": "你的表情", "voice": "你的语气", "text": "你说的话"},
}
