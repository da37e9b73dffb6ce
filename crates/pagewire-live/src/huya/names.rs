//! Names of numbers, as the site's own script has them.

/// Of commands, by their numbers.
pub(super) const COMMANDS: [&str; 31] = [
    "Null",
    "RegisterReq",
    "RegisterRsp",
    "WupReq",
    "WupRsp",
    "HeartBeat",
    "HeartBeatAck",
    "MsgPushReq",
    "DeregisterReq",
    "DeRegisterRsp",
    "VerifyCookieReq",
    "VerifyCookieRsp",
    "VerifyHuyaTokenReq",
    "VerifyHuyaTokenRsp",
    "UNVerifyReq",
    "UNVerifyRsp",
    "RegisterGroupReq",
    "RegisterGroupRsp",
    "UnRegisterGroupReq",
    "UnRegisterGroupRsp",
    "HeartBeatReq",
    "HeartBeatRsp",
    "MsgPushReq_V2",
    "UpdateUserExpsReq",
    "UpdateUserExpsRsp",
    "WSHistoryMsgReq",
    "WSHistoryMsgRsp",
    "EnterP2P",
    "EnterP2PAck",
    "ExitP2P",
    "ExitP2PAck",
];

/// Of the structs of pushes, which have names of their own that events show.
pub(super) const fn name_of(uri: i64) -> Option<&'static str> {
    Some(match uri {
        CHAT => "MessageNotice",
        NOBLE => "NobleNotice",
        1002 | 1005 => "NobleEnterNotice",
        ENTER_BANNER => "VipEnterBanner",
        ENTER => "EnterPushInfo",
        VIP_BAR => "VipBarListRsp",
        6211 => "VipBarListStatInfo",
        WEEK_RANK => "WeekRankListRsp",
        FANS_RANK => "FansRankListRsp",
        6231 => "BadgeInfo",
        6232 => "BadgeScoreChanged",
        6233 => "FansInfoNotice",
        6234 => "UserGiftNotice",
        6250 => "GiftBarRsp",
        6298 => "OnTVBarrageNotice",
        GIFT => "SendItemSubBroadcastPacket",
        GIFT_ELSEWHERE => "SendItemNoticeWordBroadcastPacket",
        6507 => "SendItemNoticeGameBroadcastPacket",
        BEGINS => "BeginLiveNotice",
        ENDS => "EndLiveNotice",
        CHANGES => "LiveInfoChangedNotice",
        HEAT => "AttendeeCountNotice",
        REDIRECT => "WSRedirect",
        2_001_314 => "GameEventMessageBoardPanel",
        _ => return None,
    })
}

const NOBLE: i64 = 1_001;
pub(super) const CHAT: i64 = 1_400;
pub(super) const ENTER_BANNER: i64 = 6_110;
pub(super) const ENTER: i64 = 6_200;
pub(super) const VIP_BAR: i64 = 6_210;
pub(super) const WEEK_RANK: i64 = 6_220;
pub(super) const FANS_RANK: i64 = 6_230;
pub(super) const GIFT: i64 = 6_501;
pub(super) const GIFT_ELSEWHERE: i64 = 6_502;
pub(super) const BEGINS: i64 = 8_000;
pub(super) const ENDS: i64 = 8_001;
pub(super) const CHANGES: i64 = 8_004;
pub(super) const HEAT: i64 = 8_006;
pub(super) const REDIRECT: i64 = 1_025_305;
