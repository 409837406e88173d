import Foundation

extension CentrifugeClient {
    /// What the node said about a subscription.
    public struct Subscribed: Sendable {
        public let offset: UInt64
        public let epoch: String
        public let isRecoverable: Bool
        public let wasRecovering: Bool
        public let isRecovered: Bool
        /// Offset and data as compact JSON.
        public let publications: [Received]
        public let errorCode: Int?

        /// As a client says it when it comes back.
        public var position: String { "\"recover\":true,\"offset\":\(offset),\"epoch\":\"\(epoch)\"" }
    }

    /// A publication as a client sees it.
    public struct Received: Sendable, Equatable {
        public let offset: UInt64
        public let data: String
    }

    /// Subscribes, with what a client that comes back adds: `"recover":true,"offset":7,"epoch":"x"`.
    public func subscribe(_ channel: String, recovering position: String?) async throws -> Subscribed {
        let more = position.map { ",\($0)" } ?? ""
        let reply = try await command("\"subscribe\":{\"channel\":\"\(channel)\"\(more)}")
        let object = (try? JSONSerialization.jsonObject(with: Data(reply.text.utf8))) as? [String: Any] ?? [:]
        let result = object["subscribe"] as? [String: Any] ?? [:]
        return Subscribed(
            offset: (result["offset"] as? NSNumber)?.uint64Value ?? 0, epoch: result["epoch"] as? String ?? "",
            isRecoverable: result["recoverable"] as? Bool ?? false,
            wasRecovering: result["was_recovering"] as? Bool ?? false,
            isRecovered: result["recovered"] as? Bool ?? false,
            publications: (result["publications"] as? [[String: Any]] ?? []).map(Self.received),
            errorCode: reply.errorCode)
    }

    private static func received(_ object: [String: Any]) -> Received {
        let data = object["data"].flatMap {
            try? JSONSerialization.data(
                withJSONObject: $0, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
        }
        return Received(
            offset: (object["offset"] as? NSNumber)?.uint64Value ?? 0,
            data: data.map { String(decoding: $0, as: UTF8.self) } ?? "")
    }
}

extension CentrifugeClient.Message {
    /// Channel and code of an unsubscribe push.
    public var unsubscribe: (channel: String, code: Int)? {
        guard let object = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any],
            let push = object["push"] as? [String: Any], let channel = push["channel"] as? String,
            let code = (push["unsubscribe"] as? [String: Any])?["code"] as? Int
        else { return nil }
        return (channel, code)
    }
}
