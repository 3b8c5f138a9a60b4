"""What people call the 80 COCO classes, in English and Chinese. One line a class."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The names of one class."""

    english: str
    plural: str
    chinese: str
    measure: str
    """Chinese measure word: 一只狗."""
    also: tuple[str, ...] = ()
    """Other words for it, in either language; regular English plurals are understood without."""


def _names(row: str) -> tuple[str, ClassNames]:
    """A row is: class | singular | plural | Chinese | measure word | synonyms."""
    label, singular, plural, chinese, measure, also = (column.strip() for column in row.split("|"))
    synonyms = tuple(word.strip() for word in also.split(",") if word.strip())
    return label, ClassNames(singular or label, plural or f"{singular or label}s", chinese, measure, synonyms)


_TABLE = """
person | | people | 人 | 个 | human, man, men, woman, women, someone, anybody, anyone, 人们, 男人, 女人, 小孩, 孩子
bicycle | | | 自行车 | 辆 | bike, cycle, 单车, 脚踏车
car | | | 汽车 | 辆 | automobile, auto, 车, 小汽车, 轿车, 车子
motorcycle | | | 摩托车 | 辆 | motorbike, scooter, 摩托, 电动车
airplane | | | 飞机 | 架 | plane, aeroplane, aircraft, jet
bus | | buses | 公交车 | 辆 | busses, 公共汽车, 巴士, 大巴, 公车, 客车
train | | | 火车 | 列 | 列车, 地铁, 高铁
truck | | | 卡车 | 辆 | lorry, lorries, 货车
boat | | | 船 | 艘 | ship, 小船, 轮船, 船只
traffic light | | | 红绿灯 | 个 | stoplight, 交通灯, 信号灯, 交通信号灯
fire hydrant | | | 消防栓 | 个 | hydrant, 消火栓
stop sign | | | 停车标志 | 个 | 停止标志, 停车牌
parking meter | | | 停车计时器 | 个 | 停车收费表, 停车表
bench | | benches | 长椅 | 张 | 长凳, 板凳
bird | | | 鸟 | 只 | 小鸟, 鸟儿
cat | | | 猫 | 只 | kitten, kitty, kitties, 小猫, 猫咪, 猫猫
dog | | | 狗 | 只 | puppy, puppies, doggy, 小狗, 狗狗, 犬
horse | | | 马 | 匹 | pony, ponies, 马儿, 小马
sheep | | sheep | 羊 | 只 | lamb, 绵羊, 小羊
cow | | | 牛 | 头 | cattle, bull, 奶牛, 母牛, 小牛
elephant | | | 大象 | 头 | 象
bear | | | 熊 | 只 | 狗熊, 棕熊
zebra | | | 斑马 | 匹 |
giraffe | | | 长颈鹿 | 只 |
backpack | | | 背包 | 个 | rucksack, 双肩包, 书包
umbrella | | | 雨伞 | 把 | 伞
handbag | | | 手提包 | 个 | purse, bag, 包, 手袋, 包包
tie | | | 领带 | 条 | necktie
suitcase | | | 行李箱 | 个 | 手提箱, 箱子, 旅行箱
frisbee | | | 飞盘 | 个 |
skis | pair of skis | pairs of skis | 滑雪板 | 副 | ski
snowboard | | | 单板滑雪板 | 块 | 滑雪单板
sports ball | ball | balls | 球 | 个 | football, soccer ball, basketball, tennis ball, 皮球, 足球, 篮球, 网球
kite | | | 风筝 | 只 |
baseball bat | | | 棒球棒 | 根 | 球棒, 棒球棍
baseball glove | | | 棒球手套 | 只 | baseball mitt
skateboard | | | 滑板 | 块 |
surfboard | | | 冲浪板 | 块 |
tennis racket | | | 网球拍 | 支 | tennis racquet, racket, 球拍
bottle | | | 瓶子 | 个 | 瓶, 水瓶
wine glass | | wine glasses | 酒杯 | 个 | 红酒杯, 高脚杯
cup | | | 杯子 | 个 | mug, teacup, coffee cup, 杯, 茶杯, 咖啡杯, 水杯, 马克杯
fork | | | 叉子 | 把 | 叉, 餐叉
knife | | knives | 刀 | 把 | 刀子, 餐刀
spoon | | | 勺子 | 把 | 勺, 汤匙, 调羹
bowl | | | 碗 | 个 |
banana | | | 香蕉 | 根 |
apple | | | 苹果 | 个 |
sandwich | | sandwiches | 三明治 | 个 | 三文治
orange | | | 橙子 | 个 | 橘子, 桔子, 橙
broccoli | head of broccoli | heads of broccoli | 西兰花 | 棵 | broccoli, 花椰菜
carrot | | | 胡萝卜 | 根 | 红萝卜
hot dog | | | 热狗 | 个 | hotdog
pizza | | | 披萨 | 块 | 比萨, 匹萨, 比萨饼
donut | | | 甜甜圈 | 个 | doughnut
cake | | | 蛋糕 | 块 |
chair | | | 椅子 | 把 | seat, 椅
couch | | couches | 沙发 | 张 | sofa
potted plant | | | 盆栽 | 盆 | plant, houseplant, 植物, 花盆, 盆景
bed | | | 床 | 张 |
dining table | table | tables | 桌子 | 张 | desk, 餐桌, 桌, 饭桌, 书桌
toilet | | | 马桶 | 个 | 厕所, 坐便器
tv | TV | TVs | 电视 | 台 | tv, television, monitor, screen, 电视机, 屏幕, 显示器
laptop | | | 笔记本电脑 | 台 | notebook computer, computer, 笔记本, 电脑, 手提电脑
mouse | | mice | 鼠标 | 个 | computer mouse
remote | remote control | remote controls | 遥控器 | 个 | remote, 遥控
keyboard | | | 键盘 | 个 |
cell phone | | | 手机 | 部 | phone, mobile, cellphone, mobile phone, smartphone, telephone, 电话
microwave | | | 微波炉 | 台 | microwave oven
oven | | | 烤箱 | 台 | stove
toaster | | | 烤面包机 | 台 | 吐司机, 多士炉
sink | | | 水槽 | 个 | basin, 洗手池, 水池, 洗碗池
refrigerator | fridge | fridges | 冰箱 | 台 |
book | | | 书 | 本 | 书本, 书籍
clock | | | 时钟 | 个 | watch, watches, 钟, 钟表, 表, 闹钟
vase | | | 花瓶 | 个 |
scissors | pair of scissors | pairs of scissors | 剪刀 | 把 | 剪子
teddy bear | | | 泰迪熊 | 只 | teddy, teddies, stuffed animal, 玩具熊, 毛绒熊
hair drier | hair dryer | hair dryers | 吹风机 | 个 | hairdryer, hair-dryer, 电吹风
toothbrush | | toothbrushes | 牙刷 | 支 |
"""

COCO_NAMES = dict(_names(row) for row in _TABLE.strip().splitlines())
"""Class name → its names, in the order of the classes."""
