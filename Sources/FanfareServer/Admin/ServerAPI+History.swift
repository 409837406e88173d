import FanfareCore
import FanfareWire
import NIOCore

/// A channel's history over the server API.
extension ServerAPI {
    /// `POST /api/history`: `{"channel":"c","limit":10,"since":{"offset":3,"epoch":"x"},"reverse":false}`. Without a limit
    /// only the stream's position; below zero as many as there may be.
    func history(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = try object(body)
            let channel = try channel(request["channel"]?.string)
            let query = try query(request)
            let page = try await read(channel, query)
            if let since = query.since, !since.epoch.isEmpty, since.epoch != page.position.epoch {
                throw APIFailure(status: 400, code: 112, message: "unrecoverable position")
            }
            var text = ByteBuffer(string: #"{"result":{"publications":"#)
            CentrifugeJSONEncoder.write(page.publications, into: &text)
            text.writeStaticString(",")
            CentrifugeJSONEncoder.write(page.position, into: &text)
            text.writeStaticString("}}")
            return APIAnswer(status: 200, body: text)
        }
    }

    /// `POST /api/history_remove`: `{"channel":"c"}`. The stream's position stays.
    func historyRemove(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let channel = try channel(try object(body)["channel"]?.string)
            let result = await withCheckedContinuation { continuation in
                context.broker.removeHistory(channel) { continuation.resume(returning: $0) }
            }
            try result.mapError(APIFailure.broker).get()
            return APIAnswer(status: 200, body: ByteBuffer(string: #"{"result":{}}"#))
        }
    }

    private func read(_ channel: ChannelName, _ query: HistoryQuery) async throws(APIFailure) -> HistoryPage {
        let result = await withCheckedContinuation { continuation in
            context.broker.history(channel, query) { continuation.resume(returning: $0) }
        }
        return try result.mapError(APIFailure.broker).get()
    }

    private func query(_ request: JSONMembers) throws(APIFailure) -> HistoryQuery {
        var query = HistoryQuery(limit: 0)
        if let limit = request["limit"], !limit.isNull {
            guard let number = Int(String(buffer: limit.bytes)) else { throw .badRequest("'limit' must be a number") }
            query.limit = number < 0 ? context.limits.maxRecovery : min(number, context.limits.maxRecovery)
        }
        if let reverse = request["reverse"], !reverse.isNull {
            guard let flag = reverse.bool else { throw .badRequest("'reverse' must be true or false") }
            query.reverse = flag
        }
        if let since = request["since"], !since.isNull {
            guard let members = JSONMembers(since.bytes), let offset = members["offset"]?.unsigned64,
                let epoch = members["epoch"]?.string
            else { throw .badRequest("'since' must have an offset and an epoch") }
            query.since = StreamPosition(offset: offset, epoch: epoch)
        }
        return query
    }
}
