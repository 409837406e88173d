import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// A channel's history over the server API.
extension ServerAPI {
    /// `POST /api/history`: `{"channel":"c","limit":10,"since":{"offset":3,"epoch":"x"},"reverse":false}`. Without a limit
    /// only the stream's position; below zero as many as there may be.
    func history(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = try object(body, .history)
            let channel = try channel(request["channel"]?.string)
            let query = try query(request)
            let place = try await placeToRead()
            let page = try await result { context.broker.history(channel, query, completion: $0) }
            guard !page.isOfAnother(query.since) else {
                throw APIFailure(status: 400, code: 112, message: "unrecoverable position")
            }
            var text = ByteBuffer(string: #"{"result":{"publications":"#)
            CentrifugeJSONEncoder.write(page.publications, into: &text)
            text.writeStaticString(",")
            CentrifugeJSONEncoder.write(page.position, into: &text)
            text.writeStaticString("}}")
            return APIAnswer(status: 200, body: text, place: place)
        }
    }

    /// `POST /api/history_remove`: `{"channel":"c"}`. The stream's position stays.
    func historyRemove(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let channel = try channel(try object(body, .historyRemove)["channel"]?.string)
            try await result { context.broker.removeHistory(channel, completion: $0) }
            return APIAnswer(status: 200, body: ByteBuffer(string: #"{"result":{}}"#))
        }
    }

    private func query(_ request: JSONMembers) throws(APIFailure) -> HistoryQuery {
        var query = HistoryQuery(limit: 0)
        if let limit = request["limit"], !limit.isNull {
            guard let number = Int(String(buffer: limit.bytes)) else { throw .badRequest("'limit' must be a number") }
            query.limit = HistoryQuery.limit(number, within: context.limits.maxRecovery)
        }
        if let reverse = request["reverse"], !reverse.isNull {
            guard let flag = reverse.bool else { throw .badRequest("'reverse' must be true or false") }
            query.reverse = flag
        }
        if let since = request["since"], !since.isNull {
            if let members = JSONMembers(since.bytes) {
                try APIMethod.history.check(members, ["offset", "epoch"], within: "since.")
            }
            guard let members = JSONMembers(since.bytes), let offset = members["offset"]?.unsigned64,
                let epoch = members["epoch"]?.string
            else { throw .badRequest("'since' must have an offset and an epoch") }
            query.since = StreamPosition(offset: offset, epoch: epoch)
        }
        return query
    }
}
