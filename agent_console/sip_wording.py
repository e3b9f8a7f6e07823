"""What `warmline sip` says, in both languages."""

from __future__ import annotations

from typing import Final

from routing.terms import Wording

TRUNKS: Final = Wording("中继文件", "trunks")
ADDRESS: Final = Wording("地址", "address")
ENCRYPTION: Final = Wording("加密", "tls")
PORT: Final = Wording("端口", "port")
TRUNK: Final = Wording("中继 {name}", "trunk {name}")
REGISTRATION: Final = Wording("中继 {name} 的注册", "registration of {name}")
OPTIONS: Final = Wording("OPTIONS 应答", "options")

FREE: Final = Wording("{host} 端口 {port}（UDP 和 TCP）可用", "{host} port {port}, UDP and TCP, is free")
FREE_TLS: Final = Wording("{host} 端口 {port}（TLS）可用", "{host} port {port}, TLS, is free")

NAME_TOLD: Final = Wording(
    "告诉中继的是 {told}；信令可以用域名，音频需要 IP 地址",
    "trunks are told {told}; names work for signalling, audio wants an address",
)
NAME_TOLD_FIX: Final = Wording("把 sip_advertised 设为 IP 地址。", "Set sip_advertised to the address.")
LOOPBACK_TOLD: Final = Wording(
    "告诉中继的是 {told}：只有本机能呼入", "trunks are told {told}: only this machine can call"
)
LOOPBACK_TOLD_FIX: Final = Wording("改为监听 0.0.0.0。", "Listen on 0.0.0.0.")
PRIVATE_TOLD: Final = Wording(
    "告诉中继的是 {told}，这是内网地址：同一网络内可用",
    "trunks are told {told}, which is private: right inside one network",
)
PRIVATE_TOLD_FIX: Final = Wording(
    "如果在 NAT 之后，请把 sip_advertised 设为公网地址，并把 {ports} 和 SIP 端口转发到这里。",
    "Behind NAT, set sip_advertised to the public address and forward {ports} and the SIP port here.",
)
TOLD: Final = Wording("告诉中继的是 {told}，音频用 {ports}", "trunks are told {told}, audio on {ports}")
TOLD_BEHIND: Final = Wording(
    "；本机地址是 {local}，所以呼入要经过 NAT", "; this machine is {local}, so the way in goes through NAT"
)
AUDIO_PORTS: Final = Wording("UDP {first} 到 {last}", "UDP {first} to {last}")

NO_CERTIFICATE: Final = Wording("没有设置证书，无法加密呼入", "nobody can call encrypted: no certificate is set")
NO_CERTIFICATE_FIX: Final = Wording(
    "在公网上请为 `tls` 设置证书，并在中继上设 `encrypt: true`。",
    "On a public network, set `tls` with a certificate and `encrypt: true` on the trunk.",
)
CERTIFICATE: Final = Wording("{path} 与其私钥匹配", "{path} and its key belong together")
CERTIFICATE_ASKED: Final = Wording("；主叫方也必须出示证书", "; callers have to show a certificate, too")
ENCRYPTED_ONLY: Final = Wording("；只接受加密呼叫的中继：{names}", "; only encrypted calls: {names}")
PLAIN_TOO: Final = Wording("；也接受明文呼叫的中继：{names}", "; plain calls as well: {names}")

LETS_IN: Final = Wording("允许 {who}；{codecs}", "lets in {who}; {codecs}")
USER: Final = Wording("用户 {name}", "user {name}")
WHOLE_INTERNET: Final = Wording("允许整个互联网呼入", "lets in the whole internet")
WHOLE_INTERNET_FIX: Final = Wording("请只写运营商给出的地址。", "Name the addresses that your provider lists.")
OPUS_ALONE: Final = Wording("只支持 Opus", "speaks Opus alone")
OPUS_ALONE_FIX: Final = Wording(
    "请加上 PCMA 和 PCMU：几乎没有中继支持 Opus。", "Add PCMA and PCMU: hardly any trunk speaks Opus."
)
EARLY_MEDIA: Final = Wording(
    "接听之前播放 {file}（{seconds:.1f} 秒，183）", "plays {file} ({seconds:.1f} s) before it answers (183)"
)
HIDDEN: Final = Wording(
    "来自 {networks} 的呼叫归排在前面的中继 {earlier}",
    "calls from {networks} belong to trunk {earlier}, which stands before it",
)
HIDDEN_FIX: Final = Wording("把范围小的中继排在前面。", "Put the narrower one first.")

REGISTERED: Final = Wording("{server} 已接受注册", "{server} knows us")
ANSWERS: Final = Wording("{server} 回复 {status}", "{server} answers {status}")
SILENT: Final = Wording("{server} 在 {seconds:g} 秒内没有回复", "{server} does not answer in {seconds:g} s")
REGISTRATION_FIXES: Final = {
    0: Wording("服务器地址对吗？防火墙放行 UDP 了吗？", "Is the server right, and does a firewall let UDP through?"),
    401: Wording(
        "用户名和密码被拒绝；请检查 `user` 和 `password`。",
        "Name and password are refused; check `user` and `password`.",
    ),
    403: Wording(
        "服务器认识这个用户，但不接受从这里注册；请联系运营商。",
        "The server knows the user and does not want it from here; ask the provider.",
    ),
    404: Wording("服务器不认识这个用户；请检查 `user`。", "The server does not know the user; check `user`."),
}
ASKED: Final = Wording("{uri} 在 {ms:.0f} 毫秒后回复 {status}", "{uri} answers {status} after {ms:.0f} ms")
SEEN: Final = Wording("；它看到的我方地址是 {via}", "; it sees us as {via}")
SEEN_FIX: Final = Wording("把 sip_advertised 设为 {via}。", "Set sip_advertised to {via}.")
ALLOWS: Final = Wording("；允许 {allowed}", "; allows {allowed}")
SILENT_FIX: Final = Wording(
    "地址对吗？防火墙双向放行 UDP 了吗？中继那边登记了我们的地址吗？",
    "Is the address right? Does a firewall let UDP both ways? Does the trunk know our address?",
)

ERRORS: Final = {
    "sip.trunks": Wording("中继文件有误：{detail}", "{detail}"),
    "sip.tls": Wording("证书或私钥不能用：{detail}", "{detail}"),
    "sip.port": Wording("端口不能用，或主机连不上：{detail}", "{detail}"),
    "sip.malformed": Wording("不是 SIP 地址：{detail}", "{detail}"),
    "prompt.missing": Wording("录音不能用：{detail}", "{detail}"),
    "settings.invalid": Wording("设置有误：{detail}", "{detail}"),
}
ERROR: Final = Wording("没有成功：{detail}", "{detail}")
"""The detail is an error's own text, which names lines, fields and ports, and is English."""

CALLING: Final = Wording("正在呼叫 {uri}", "calling {uri}")
SPEAKING: Final = Wording("已接听；边说边听 {seconds:g} 秒", "answered; speaking and listening for {seconds:g} s")
LISTENING: Final = Wording("已接听；听 {seconds:g} 秒", "answered; listening for {seconds:g} s")
TALKED: Final = Wording(
    "{codec}，{answered_ms:.0f} 毫秒后接听；通话 {seconds:.1f} 秒，听到 {heard_s:.1f} 秒；收到 {received} 个包，"
    "丢失 {lost} 个，抖动 {jitter_ms:.1f} 毫秒，MOS 约 {mos:.1f}{far}；结束原因：{end}。",
    "{codec}, answered after {answered_ms:.0f} ms; talked {seconds:.1f} s, heard {heard_s:.1f} s; "
    "{received} packets came, {lost} were lost, jitter {jitter_ms:.1f} ms, MOS about {mos:.1f}{far}; ended: {end}.",
)
FAR: Final = Wording(
    "；往返 {round_trip_ms:.0f} 毫秒，对方报告丢失 {lost:.1%}",
    "; there and back {round_trip_ms:.0f} ms, they report {lost:.1%} lost",
)
ENDS: Final = {
    "hung_up": Wording("对方挂断", "hung_up"),
    "left": Wording("我方挂断", "left"),
    "rtp_timeout": Wording("音频中断", "rtp_timeout"),
    "rtp_never": Wording("没有收到音频", "rtp_never"),
    "gone": Wording("对方失联", "gone"),
    "session_expired": Wording("会话超时", "session_expired"),
    "media": Wording("没有共同的编码", "media"),
}
