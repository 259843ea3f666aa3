// @ts-check
import "./page.css";
