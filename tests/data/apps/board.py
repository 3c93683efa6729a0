"""A board with Streamlit: what is asked goes over a web socket, files over POST with a token."""

import streamlit as st

st.set_page_config(page_title="Board")
st.title("Board of figures")
st.download_button("Take the table", "a,b\n1,2\n", "table.csv")
count = st.session_state.setdefault("count", 0)
if st.button("Count"):
    st.session_state.count = count = count + 1
st.write(f"Counted {count} times")
name = st.text_input("Name")
st.write(f"Hello {name or 'nobody'}")
uploaded = st.file_uploader("Table")
if uploaded:
    st.write(f"{len(uploaded.getvalue())} bytes arrived")
st.line_chart([1, 3, 2])
