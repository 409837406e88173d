import FanfareWire
import Testing

@testable import FanfareProtocols

@Suite("MQTT topics and channels")
struct MQTTTopicTests {
    @Test(
        "a channel has one topic, and the topic is that channel",
        arguments: [
            ("news", "news"), ("chat:42", "chat:42"), ("a/b/c", "a/b/c"), ("/a", "/a"), ("$private:1", "$private:1"),
            ("inbox#42;43", "inbox%2342;43"), ("a+b", "a%2Bb"), ("50%", "50%25"), ("%23", "%2523"), ("é/日", "é/日"),
            ("#", "%23"),
        ])
    func mapping(channel: String, topic: String) throws {
        let name = try ChannelName(channel)
        #expect(MQTTTopic(name).name == ExactText(topic))
        #expect(MQTTTopic(ExactText(topic), limit: 255)?.channel == name)
        #expect(!MQTTTopic.hasWildcard(MQTTTopic(name).name))
    }

    @Test(
        "what is no channel is no topic here: what names can't hold, a % that escapes nothing, wildcards, other forms",
        arguments: [
            "", "a b", "a\tb", "a*", "a,b", "{a}", "%", "%2", "%23%", "%41", "%2b", "%20", "a#", "a+", "a/+/b",
            "\u{7F}",
            "$share/g/a", String(repeating: "a", count: 65),
        ])
    func others(topic: String) { #expect(MQTTTopic(ExactText(topic), limit: 64) == nil) }

    @Test(
        "filters: + and # stand alone in their level, # last; a shared one has a name without either (§4.7.1, §4.8.2)")
    func filters() {
        for text in ["a", "a/b", "/", "$SYS/a", "a%23", " "] { #expect(MQTTTopic.filter(ExactText(text)) == .exact) }
        for text in ["#", "+", "a/#", "a/+/b", "+/+", "/+", "+/#", "$SYS/#"] {
            #expect(MQTTTopic.filter(ExactText(text)) == .wildcard, "\(text)")
        }
        for text in [
            "", "a#", "#/a", "a/#/b", "a+", "+a", "a/b+/c", "$share/", "$share/a", "$share//a", "$share/a/",
            "$share/+/a", "$share/a#/b", "$share/a/b#",
        ] {
            #expect(MQTTTopic.filter(ExactText(text)) == .invalid, "\(text)")
        }
        for text in ["$share/a/b", "$share/a/#", "$share/a//b"] {
            #expect(MQTTTopic.filter(ExactText(text)) == .shared, "\(text)")
        }
        #expect(MQTTTopic.filter("$share") == .exact)
    }
}
